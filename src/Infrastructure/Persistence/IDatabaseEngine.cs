using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence;

/// <summary>A value of <c>Database__Provider</c>. Each engine has a folder or a project of its own, and nothing else names its database.</summary>
public interface IDatabaseEngine
{
    /// <summary>The value of the setting.</summary>
    string Name { get; }

    /// <summary>Whether the engine is used where the setting is absent.</summary>
    bool IsDefaultIn(IHostEnvironment environment);

    /// <summary>
    /// Registers <see cref="SecretsDbContext"/>, <see cref="IDatabaseServer"/>, <see cref="IDatabaseFaults"/> and the other ports that need the SQL of
    /// one database.
    /// </summary>
    void Register(IServiceCollection services, IConfiguration configuration);
}

internal static class DatabaseEngines
{
    private const string Setting = "Database:Provider";

    /// <summary>The engine that the configuration asks for.</summary>
    /// <param name="engines">All engines that the configuration may name.</param>
    /// <param name="configuration">The configuration of the service.</param>
    /// <param name="environment">Its environment, which decides about the default.</param>
    /// <exception cref="StartupException">The setting names no engine, or is absent where no engine is the default.</exception>
    public static IDatabaseEngine Select(IReadOnlyList<IDatabaseEngine> engines, IConfiguration configuration, IHostEnvironment environment)
    {
        var asked = configuration[Setting];
        var found = string.IsNullOrEmpty(asked)
            ? engines.FirstOrDefault(engine => engine.IsDefaultIn(environment))
            : engines.FirstOrDefault(engine => string.Equals(engine.Name, asked, StringComparison.OrdinalIgnoreCase));
        return found ?? throw new StartupException(
            $"Set {Setting} (environment: Database__Provider) to one of {string.Join(", ", engines.Select(engine => engine.Name).Order(StringComparer.Ordinal))}.");
    }
}
