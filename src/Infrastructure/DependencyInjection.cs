using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Secrets.Application.ApiKeys;
using Secrets.Application.Audit;
using Secrets.Application.Common;
using Secrets.Application.Encryption;
using Secrets.Application.Resolution;
using Secrets.Application.Secrets;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Batching;
using Secrets.Infrastructure.Credentials;
using Secrets.Infrastructure.Credentials.ApiKeys;
using Secrets.Infrastructure.Credentials.Tokens;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.DataKeys;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Encryption.RootKeys;
using Secrets.Infrastructure.Encryption.Rotation;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.GroupCommit;
using Secrets.Infrastructure.Health;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Integrity.Recovery;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Resolution;
using Secrets.Infrastructure.Transactions;

namespace Secrets.Infrastructure;

/// <summary>Registers what use cases leave to others: persistence, encryption, the audit, and judging credentials.</summary>
public static class DependencyInjection
{
    public static IServiceCollection AddInfrastructure(
        this IServiceCollection services, IConfiguration configuration, IHostEnvironment environment)
    {
        DatabaseEngines.Select(configuration, environment).Register(services, configuration);
        services.AddScoped<ISecretsDb, SecretsDb>();
        services.AddSingleton<OwnerQueue>();
        services.AddSingleton<NewSecretAccounts>();
        services.AddSingleton<INewSecrets, NewSecrets>();
        services.AddScoped<StartupDatabase>();
        services.AddScoped<Schema>();
        services.AddSettings<DatabaseOptions>(DatabaseOptions.Section);
        services.AddEncryption();
        services.AddSingleton<IResolutionStore, ResolutionStore>();
        services.AddSingleton<OwnerCache>();
        services.AddSettings<ResolutionOptions>(ResolutionOptions.Section)
            .Validate(
                resolve => resolve.IsValid(),
                $"Resolve:MemoryMegabytes must be a number of megabytes from 0 (nothing is remembered) to {ResolutionOptions.MaxMemoryMegabytes}.");
        services.AddSingleton<UseCounter>();
        services.AddAudit();

        services.AddSingleton<ApiKeyLookup>();
        services.AddSingleton<ApiKeyCache>();
        services.AddSingleton<ApiKeyAuthenticator>();
        services.AddSingleton<IOperators, Operators>();
        services.AddJwt(environment);
        services.AddSingleton<ICredentialAuthenticator, CredentialAuthenticator>();
        services.AddScoped<BootstrapKey>();
        services.AddScoped<IFirstKey>(provider => provider.GetRequiredService<BootstrapKey>());
        services.AddSettings<AuthOptions>(AuthOptions.Section)
            .Validate(
                auth => auth.BootstrapKey is null || AuthOptions.ArrivesInHeader(auth.BootstrapKey),
                $"Auth:BootstrapKey must have {AuthOptions.MinBootstrapKeyLength} to {AuthOptions.MaxBootstrapKeyLength} characters, all of them printable ASCII, "
                + "without a space at its ends and without \"Bearer \" in front, or be left out: no header brings another text as it is.")
            .Validate(auth => auth.BootstrapKey is null || !CompactToken.HasForm(auth.BootstrapKey), "Auth:BootstrapKey must not look like a JWT.");
        services.AddSettings<ApiKeyOptions>(ApiKeyOptions.Section)
            .Validate(keys => keys.MaxKeyDays is > 0 and <= 36_500, "Auth:Jwt:MaxKeyDays must be from 1 to 36500.");
        services.AddSettings<QuotaOptions>(QuotaOptions.Section)
            .Validate(quota => quota.BytesPerOwner > 0, "Quota:BytesPerOwner must be a positive number of bytes.")
            .Validate(quota => quota.SecretsPerOwner > 0, "Quota:SecretsPerOwner must be a positive number of secrets.");
        services.AddSettings<ValueOptions>(ValueOptions.Section)
            .Validate(
                values => values.IsValid(),
                $"Limits:SecretValueLength must be from {SecretValue.LengthOfUser.Minimum} to {SecretValue.LargestMaximum}.");

        services.AddSettings<GroupCommitOptions>(GroupCommitOptions.Section)
            .Validate(
                commit => commit.IsValid(),
                $"GroupCommit: BatchSize must be from 1 to {GroupCommitOptions.MaxBatchSize}, Committers from 1 to {GroupCommitOptions.MaxCommitters}, "
                + $"WaitMilliseconds from 0 to {GroupCommitOptions.MaxWaitMilliseconds}, QueueLength at least 1.");

        services.AddSingleton<DatabaseWriteCheck>();
        services.AddHealthChecks()
            .AddCheck<DatabaseWriteCheck>("database", timeout: TimeSpan.FromSeconds(5))
            .AddCheck<AuditWriteCheck>("audit", timeout: TimeSpan.FromSeconds(5))
            .AddCheck<CheckpointKeeper>("checkpoint");
        services.AddSingleton(TimeProvider.System);
        return services;
    }

    /// <summary>
    /// Has the host prepare database, keys and schema before it serves. Apart from the rest, because the build takes the OpenAPI
    /// documents from a host that must not touch any database.
    /// </summary>
    public static IServiceCollection AddStartup(this IServiceCollection services) => services
        .AddHostedService<Startup>()
        .AddHostedService<AuditRetention>()
        .AddHostedService<CheckpointWorker>()
        .AddHostedService<KeyRotationWorker>()
        .AddHostedService(provider => provider.GetRequiredService<AuthorityTrust>())
        .AddHostedService(provider => provider.GetRequiredService<UseCounter>())

        // Last, so that it stops first: its rows are in the last checkpoint.
        .AddHostedService(provider => provider.GetRequiredService<DenialLog>());

    /// <summary>Applies the migrations that the database lacks, and ends.</summary>
    public static async Task MigrateAsync(this IServiceProvider services, CancellationToken cancellationToken)
    {
        var server = services.GetRequiredService<IDatabaseServer>();
        await server.StartAsync(cancellationToken);
        try
        {
            await using var scope = services.CreateAsyncScope();
            var schema = scope.ServiceProvider.GetRequiredService<Schema>();
            await scope.ServiceProvider.GetRequiredService<StartupDatabase>().UseAsync(() => schema.MigrateAsync(cancellationToken));
        }
        finally
        {
            await server.StopAsync(CancellationToken.None);
        }
    }

    /// <summary>Prepares database, keys and audit as for serving, runs a command of an operator on them, and ends.</summary>
    /// <returns>What the command returned.</returns>
    /// <exception cref="StartupException">The service could not start either.</exception>
    public static async Task<int> WithDatabaseAsync<TCommands>(this IServiceProvider services, Func<TCommands, Task<int>> command, CancellationToken cancellationToken)
        where TCommands : notnull
    {
        var server = services.GetRequiredService<IDatabaseServer>();
        await server.StartAsync(cancellationToken);
        try
        {
            await using var scope = services.CreateAsyncScope();
            var result = 0;
            await scope.ServiceProvider.GetRequiredService<StartupDatabase>().UseAsync(async () =>
            {
                await Startup.PrepareAsync(scope.ServiceProvider, server, cancellationToken);
                result = await command(scope.ServiceProvider.GetRequiredService<TCommands>());
            });
            return result;
        }
        finally
        {
            await server.StopAsync(CancellationToken.None);
        }
    }

    private static void AddAudit(this IServiceCollection services)
    {
        services.AddSingleton<AuditKey>();
        services.AddSingleton<AuditWriteCheck>();
        services.AddSingleton<AuditRowVerifier>();
        services.AddSingleton<AuditCheckpoints>();
        services.AddSingleton<CheckpointFile>();
        services.AddSingleton<CheckpointKeeper>();
        services.AddScoped<AuditKeyLoader>();
        services.AddSingleton<AuditWriters>();
        services.AddSingleton<IAuditCommit>(provider => provider.GetRequiredService<AuditWriters>());
        services.AddSingleton<ConditionalAudit>();
        services.AddSingleton<IAuditLog, AuditLog>();
        services.AddSingleton<DenialLog>();
        services.AddSingleton<IDenialLog>(provider => provider.GetRequiredService<DenialLog>());
        services.AddScoped<IAuditVerifier, AuditVerifier>();
        services.AddSettings<AuditOptions>(AuditOptions.Section)
            .Validate(
                audit => audit.RetentionDays is null or (>= 1 and <= AuditOptions.MaxRetentionDays),
                $"Audit:RetentionDays must be a number of days from 1 to {AuditOptions.MaxRetentionDays}, or be left out.")
            .Validate(
                audit => audit.CheckpointSeconds is >= 1 and <= AuditOptions.MaxCheckpointSeconds,
                $"Audit:CheckpointSeconds must be a number of seconds from 1 to {AuditOptions.MaxCheckpointSeconds}.")
            .Validate(
                audit => audit.DenialsPerMinute is >= 0 and <= AuditOptions.MaxDenials,
                $"Audit:DenialsPerMinute must be a number of rows from 0 (no limit) to {AuditOptions.MaxDenials}.");
    }

    private static void AddEncryption(this IServiceCollection services)
    {
        services.AddSettings<EncryptionOptions>(EncryptionOptions.Section);
        services.AddSingleton<RootKey>();
        services.AddSingleton<IntegrityKeys>();
        services.AddSingleton<IntegrityKeyWrapping>();
        services.AddSingleton<OwnerSeals>();
        services.AddSingleton<ApiKeySeals>();
        services.AddSingleton(typeof(VersionFloors<>));
        services.AddSingleton<AccountCache>();
        services.AddSingleton<FailClosedReads>();
        services.AddSingleton<OwnerReader>();
        services.AddSingleton<ApiKeyReader>();
        services.AddScoped<RecoveryEvidence>();
        services.AddScoped<TamperRecovery>();
        services.AddScoped<Quarantine>();
        services.AddScoped<IntegrityScan>();
        services.AddScoped<IIntegrityCommands, IntegrityCommands>();
        services.AddSingleton<IntegrityAlarms>();
        services.AddSingleton<IIntegrityReport>(provider => provider.GetRequiredService<IntegrityAlarms>());
        services.AddSingleton(provider => new Lazy<IAuditLog>(provider.GetRequiredService<IAuditLog>));
        services.AddSingleton<KeyStore>();
        services.AddSingleton<RingKeys>();
        services.AddSingleton<KeyRing>();
        services.AddSingleton(provider => new Lazy<KeyRing>(provider.GetRequiredService<KeyRing>));
        services.AddScoped<RootKeyGuard>();
        services.AddScoped<RootKeyContents>();
        services.AddSingleton<DataKeyCache>();
        services.AddSingleton<DataKeyWrapping>();
        services.AddSingleton<DataKeyLookup>();
        services.AddScoped<CurrentDataKeys>();

        // Most values need no key from the database, and then no connection to it either.
        services.AddTransient(provider => new Lazy<CurrentDataKeys>(provider.GetRequiredService<CurrentDataKeys>));
        services.AddTransient<ISealer, Sealer>();

        // Authentication brings Data Protection along, which loads a ring at the start: ours, and not one that it would make in the home directory.
        services.AddOptions<KeyManagementOptions>().Configure<KeyRing>((options, ring) => ring.Configure(options));
        services.AddScoped<IKeyRotation, KeyRotation>();
        services.AddSingleton<KeyRotationSignal>();
        services.AddScoped<DataKeyReplacement>();
        services.AddScoped<KeyRingReplacement>();
        services.AddScoped<AccountsToReseal>();
        services.AddScoped<IntegrityKeyReplacement>();
    }
}
