using System.Runtime.CompilerServices;
using MediatR;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Secrets.Application.Audit;
using Secrets.Application.Encryption;
using Secrets.Application.Resolution;
using Secrets.Application.Secrets;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Batching;
using Secrets.Infrastructure.Credentials;
using Secrets.Infrastructure.Credentials.Tokens;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.DataKeys;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Encryption.RootKeys;
using Secrets.Infrastructure.Encryption.RootKeySources;
using Secrets.Infrastructure.Encryption.Rotation;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.GroupCommit;
using Secrets.Infrastructure.Health;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Integrity.Recovery;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Postgres;
using Secrets.Infrastructure.Persistence.SqlServer;
using Secrets.Infrastructure.Resolution;
using Secrets.Infrastructure.Transactions;

namespace Secrets.Infrastructure;

/// <summary>Registers the ports of Application: persistence, encryption, audit and credentials. Larger folders have a registration of their own.</summary>
public static class DependencyInjection
{
    /// <summary>Registers everything but the background work, which <see cref="AddStartup"/> adds.</summary>
    /// <param name="services">The services to add to.</param>
    /// <param name="configuration">The configuration of the service; <c>Database__Provider</c> names the engine.</param>
    /// <param name="environment">Its environment, which decides about defaults.</param>
    /// <param name="others">The engines of other projects, beside those of this one.</param>
    public static IServiceCollection AddInfrastructure(
        this IServiceCollection services, IConfiguration configuration, IHostEnvironment environment, params ReadOnlySpan<IDatabaseEngine> others)
    {
        DatabaseEngines.Select([new PostgresEngine(), new SqlServerEngine(), .. others], configuration, environment).Register(services, configuration);

        // Outside the behaviours of Application, whichever are registered first.
        services.Insert(0, ServiceDescriptor.Transient(typeof(IPipelineBehavior<,>), typeof(DatabaseFaultsBehaviour<,>)));
        services.AddSettings<SettingsOptions>(SettingsOptions.Section);
        services.AddSingleton<IValidateOptions<SettingsOptions>, SettingsCheck>();
        services.AddSettings<DatabaseOptions>(DatabaseOptions.Section)
            .Validate(
                database => database.WaitSeconds is >= 0 and <= DatabaseOptions.MaxWaitSeconds,
                $"{DatabaseOptions.WaitSetting} must be from 0 to {DatabaseOptions.MaxWaitSeconds} seconds.");
        services.AddRootKeySources();
        services.AddSettings<QuotaOptions>(QuotaOptions.Section)
            .Validate(quota => quota.BytesPerOwner > 0, "Quota:BytesPerOwner must be a positive number of bytes.")
            .Validate(quota => quota.SecretsPerOwner > 0, "Quota:SecretsPerOwner must be a positive number of secrets.");
        services.AddSettings<ValueOptions>(ValueOptions.Section)
            .Validate(
                values => values.IsValid(),
                $"Limits:SecretValueLength must be from {SecretValue.LengthOfUser.Minimum} to {SecretValue.LargestMaximum}.");
        services.AddSettings<ResolutionOptions>(ResolutionOptions.Section)
            .Validate(resolve => resolve.IsValid(), $"Resolve:MemoryMegabytes must be from 0 (no cache) to {ResolutionOptions.MaxMemoryMegabytes} megabytes.");
        services.AddSettings<GroupCommitOptions>(GroupCommitOptions.Section)
            .Validate(
                commit => commit.IsValid(),
                $"GroupCommit: BatchSize must be from 1 to {GroupCommitOptions.MaxBatchSize}, Committers from 1 to {GroupCommitOptions.MaxCommitters}, "
                + $"WaitMilliseconds from 0 to {GroupCommitOptions.MaxWaitMilliseconds}, QueueLength at least 1.");

        // ASP.NET Core's authentication loads a Data Protection ring at the start. Without this, it would create a ring in the home directory.
        services.AddOptions<KeyManagementOptions>().Configure<KeyRing>((options, ring) => ring.Configure(options));
        return services
            .AddSingleton(TimeProvider.System)
            .AddSingleton<EffectiveSettings>()
            .AddScoped<StartupDatabase>()
            .AddScoped<Schema>()
            .AddScoped<ISecretsDb, SecretsDb>()
            .AddSingleton<OwnerWriteQueue>()
            .AddSingleton<RootKey>()
            .AddScoped<RootKeyGuard>()
            .AddScoped<RootKeyContents>()
            .AddSingleton<IntegrityKeys>()
            .AddSingleton<IntegrityKeyWrapping>()
            .AddSingleton<KeyStore>()
            .AddSingleton<RingKeys>()
            .AddSingleton<KeyRing>()
            .AddSingleton(provider => new Lazy<KeyRing>(provider.GetRequiredService<KeyRing>))
            .AddSingleton<DataKeyCache>()
            .AddSingleton<DataKeyWrapping>()
            .AddSingleton<DataKeyLookup>()
            .AddScoped<CurrentDataKeys>()

            // Lazy, because most requests find their data keys in the cache and need no database connection.
            .AddTransient(provider => new Lazy<CurrentDataKeys>(provider.GetRequiredService<CurrentDataKeys>))
            .AddTransient<ISealer, Sealer>()
            .AddScoped<IKeyRotation, KeyRotation>()
            .AddSingleton<KeyRotationSignal>()
            .AddScoped<DataKeyReplacement>()
            .AddScoped<KeyRingReplacement>()
            .AddScoped<AccountsToReseal>()
            .AddScoped<IntegrityKeyReplacement>()
            .AddIntegrity()
            .AddScoped<IIntegrityCommands, IntegrityCommands>()
            .AddScoped<IntegrityScan>()
            .AddScoped<RecoveryEvidence>()
            .AddScoped<TamperRecovery>()
            .AddScoped<Quarantine>()
            .AddAudit()
            .AddSingleton<NewSecretAccounts>()
            .AddSingleton<INewSecrets, NewSecretGroups>()
            .AddSingleton<ConditionalAudit>()
            .AddSingleton<IAuditLog, AuditLog>()
            .AddSingleton<IResolutionStore, ResolutionStore>()
            .AddSingleton<OwnerCache>()
            .AddSingleton<UseCounter>()
            .AddCredentials(environment)
            .AddSingleton<DatabaseWriteCheck>()
            .AddSingleton<AuditWriteCheck>()
            .AddHealthChecks()
            .AddCheck<DatabaseWriteCheck>("database", timeout: TimeSpan.FromSeconds(5))
            .AddCheck<AuditWriteCheck>("audit", timeout: TimeSpan.FromSeconds(5))
            .AddCheck<CheckpointKeeper>("checkpoint")
            .Services;
    }

    /// <summary>
    /// Prepares database, schema and keys before the host serves, and starts the background workers. Separate from <see cref="AddInfrastructure"/>, because the
    /// build generates the OpenAPI documents with a host that must not connect to a database.
    /// </summary>
    public static IServiceCollection AddStartup(this IServiceCollection services) => services
        .AddHostedService<Startup>()
        .AddHostedService<AuditRetention>()
        .AddHostedService<CheckpointWorker>()
        .AddHostedService<KeyRotationWorker>()
        .AddHostedService(provider => provider.GetRequiredService<AuthorityTrust>())
        .AddHostedService(provider => provider.GetRequiredService<UseCounter>())

        // Last, so that it stops first: the last checkpoint covers the rows that it writes.
        .AddHostedService(provider => provider.GetRequiredService<DenialLog>());

    /// <summary>Applies missing migrations to the database.</summary>
    /// <param name="services">The services of the host, which is not started.</param>
    /// <param name="createsDatabase">Whether to create a database that does not exist.</param>
    /// <param name="finishes">Whether no replica of an older version runs any more.</param>
    /// <param name="cancellationToken">Cancels between migrations.</param>
    /// <returns>The applied migrations, and those that wait.</returns>
    /// <exception cref="StartupException">The database cannot be used.</exception>
    public static Task<Migrated> MigrateAsync(this IServiceProvider services, bool createsDatabase, bool finishes, CancellationToken cancellationToken) =>
        WithServerAsync(services, (scope, _) => scope.GetRequiredService<Schema>().MigrateAsync(createsDatabase, finishes, cancellationToken), cancellationToken);

    /// <summary>Lists the settings of the service: each value, and where it comes from.</summary>
    public static IEnumerable<string> PrintSettings(this IServiceProvider services) => services.GetRequiredService<EffectiveSettings>().Lines();

    /// <summary>Checks what a start needs, the cheapest first, and changes nothing.</summary>
    /// <returns>A sentence for each check that passed.</returns>
    /// <exception cref="StartupException">A check failed.</exception>
    public static async IAsyncEnumerable<string> CheckAsync(this IServiceProvider services, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        services.GetRequiredService<IStartupValidator>().Validate();
        yield return "Configuration: ok.";
        if (services.GetRequiredService<IDatabaseServer>().IsPrivate)
        {
            yield return "Database and root key: the service starts, migrates and creates its own.";
            yield break;
        }

        yield return await WithServerAsync(
            services,
            async (scope, _) =>
            {
                await scope.GetRequiredService<Schema>().RequireCurrentAsync(cancellationToken);
                return "Database: ok.";
            },
            cancellationToken);
        yield return await WithServerAsync(services, (scope, _) => scope.GetRequiredService<RootKeyGuard>().CheckAsync(cancellationToken), cancellationToken);
    }

    /// <summary>Prepares database, keys and audit as a start does, then runs an operator's command.</summary>
    /// <returns>The result of the command.</returns>
    /// <exception cref="StartupException">The service could not start either.</exception>
    public static Task<int> WithDatabaseAsync<TCommands>(
        this IServiceProvider services, Func<TCommands, Task<int>> command, CancellationToken cancellationToken)
        where TCommands : notnull => WithServerAsync(
        services,
        async (scope, server) =>
        {
            await Startup.PrepareAsync(scope, server, cancellationToken);
            return await command(scope.GetRequiredService<TCommands>());
        },
        cancellationToken);

    /// <summary>Runs work in a scope while the database server runs.</summary>
    private static async Task<T> WithServerAsync<T>(
        IServiceProvider services, Func<IServiceProvider, IDatabaseServer, Task<T>> work, CancellationToken cancellationToken)
    {
        services.GetRequiredService<IStartupValidator>().Validate();
        var server = services.GetRequiredService<IDatabaseServer>();
        await server.StartAsync(cancellationToken);
        try
        {
            await using var scope = services.CreateAsyncScope();
            T result = default!;
            var database = scope.ServiceProvider.GetRequiredService<StartupDatabase>();
            await database.UseAsync(async () => result = await work(scope.ServiceProvider, server), cancellationToken);
            return result;
        }
        finally
        {
            await server.StopAsync(CancellationToken.None);
        }
    }
}
