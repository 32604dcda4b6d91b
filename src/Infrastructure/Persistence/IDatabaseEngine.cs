using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence;

/// <summary>A value of <c>Database__Provider</c>. Each engine lives in its own folder, and nothing outside it names it.</summary>
internal interface IDatabaseEngine
{
    /// <summary>The value of the setting.</summary>
    string Name { get; }

    /// <summary>Whether the engine is used where the setting is absent.</summary>
    bool IsDefaultIn(IHostEnvironment environment);

    /// <summary>
    /// Registers <see cref="SecretsDbContext"/>, <see cref="IDatabaseServer"/>, <see cref="IDatabaseFaults"/>, and whatever else here is in the
    /// words of one database.
    /// </summary>
    void Register(IServiceCollection services, IConfiguration configuration);
}

internal static class DatabaseEngines
{
    private const string Setting = "Database:Provider";

    /// <summary>The engine that the configuration asks for.</summary>
    /// <exception cref="StartupException">It asks for none, or for one that there is not.</exception>
    public static IDatabaseEngine Select(IConfiguration configuration, IHostEnvironment environment)
    {
        var engines = typeof(IDatabaseEngine).Assembly.GetTypes()
            .Where(type => type is { IsClass: true, IsAbstract: false } && type.IsAssignableTo(typeof(IDatabaseEngine)))
            .Select(type => (IDatabaseEngine)Activator.CreateInstance(type)!)
            .OrderBy(engine => engine.Name, StringComparer.Ordinal)
            .ToList();
        var asked = configuration[Setting];
        var found = string.IsNullOrEmpty(asked)
            ? engines.Find(engine => engine.IsDefaultIn(environment))
            : engines.Find(engine => string.Equals(engine.Name, asked, StringComparison.OrdinalIgnoreCase));
        return found ?? throw new StartupException(
            $"Set {Setting} (environment: Database__Provider) to one of {string.Join(", ", engines.Select(engine => engine.Name))}.");
    }
}
