using Microsoft.Extensions.DependencyInjection;
using Secrets.TestKit;

namespace Secrets.Client.Tests;

/// <summary>Clients from dependency injection, as in an application.</summary>
internal static class Clients
{
    public const string Tool = "agno__linear__get_issue_details";

    public static readonly string[] Runtime = [SecretsScopes.Read, SecretsScopes.Write, SecretsScopes.Resolve];

    public static ISecretsClient Client(this ApiServer server, string key = ApiServer.BootstrapKey) =>
        Of(options => (options.BaseAddress, options.ApiKey) = (server.Address, key));

    /// <summary>A client of a new user, and a raw HTTP client of the same user.</summary>
    public static async Task<(ISecretsClient Client, ApiClient Raw)> NewUserWithClientAsync(this ApiServer server, params string[] scopes)
    {
        var raw = await server.NewUserAsync(scopes.Length > 0 ? scopes : Runtime);
        return (server.Client(raw.Key!), raw);
    }

    public static ISecretsClient Of(Action<SecretsClientOptions> configure)
    {
        var services = new ServiceCollection();
        services.AddSecretsClient(configure);
        return services.BuildServiceProvider().GetRequiredService<ISecretsClient>();
    }
}
