using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Api.Server;

/// <summary>
/// Reports in one sentence why the web server cannot listen. Web servers throw exceptions of many types. Only here
/// it is certain that settings are the cause, so these exceptions are not caught around the whole start.
/// </summary>
internal sealed class StartupErrorServer(IServer server, IConfiguration configuration, IHostEnvironment environment) : IServer
{
    private const string Section = "Kestrel";

    public IFeatureCollection Features => server.Features;

    public async Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
        where TContext : notnull
    {
        try
        {
            await server.StartAsync(application, cancellationToken);
        }
        catch (Exception problem) when (problem is not OperationCanceledException)
        {
            throw new StartupException(SettingOfUnreadableFile() is { } file
                ? $"{file} names a file that does not exist or cannot be read."
                : $"The service cannot listen on the addresses in {Addresses()}: {problem.Message}");
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => server.StopAsync(cancellationToken);

    public void Dispose()
    {
        // The container disposes the inner server.
    }

    private string Addresses() =>
        configuration.GetSection($"{Section}:Endpoints").Exists() ? Section : $"ASPNETCORE_URLS ({configuration[WebHostDefaults.ServerUrlsKey]})";

    /// <summary><c>Kestrel:Endpoints:Https:Certificate:KeyPath</c>, for example.</summary>
    private string? SettingOfUnreadableFile() => configuration.GetSection(Section).AsEnumerable()
        .Where(setting => setting.Key.Contains(":Certificate", StringComparison.OrdinalIgnoreCase)
            && setting.Key.EndsWith("Path", StringComparison.OrdinalIgnoreCase)
            && setting.Value is { Length: > 0 } path
            && !IsReadable(Path.Combine(environment.ContentRootPath, path)))
        .Select(setting => setting.Key)
        .Order(StringComparer.Ordinal)
        .FirstOrDefault();

    private static bool IsReadable(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
