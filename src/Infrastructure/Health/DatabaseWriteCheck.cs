using Microsoft.Extensions.Diagnostics.HealthChecks;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Health;

/// <summary>Writes to the database, because a server that answers reads may be read-only or out of space. Uses the connections of requests.</summary>
internal sealed class DatabaseWriteCheck(IServiceScopeFactory scopes, RootKey rootKey, KeyRing ring, TimeProvider time) : WriteCheck
{
    protected override async Task<HealthCheckResult> WriteAsync()
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<SecretsDbContext>();
        var now = time.GetUtcNow();
        await db.RootKeys.ExecuteUpdateAsync(set => set.SetProperty(row => row.ProbedAt, now));
        return await db.RootKeys.Select(row => row.Fingerprint).SingleOrDefaultAsync() switch
        {
            null => HealthCheckResult.Unhealthy("The row of the root key is missing."),

            // This process cannot decrypt keys that other replicas add to the key ring.
            var fingerprint when !rootKey.HasFingerprint(fingerprint) =>
                HealthCheckResult.Unhealthy("The database was moved to another root key. Restart this process with the new root key."),
            _ => ResultOf(CheckRing() ?? await scope.ServiceProvider.GetRequiredService<Schema>().FindChangeAsync(CancellationToken.None)),
        };
    }

    private static HealthCheckResult ResultOf(string? fault) => fault is null ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(fault);

    private string? CheckRing()
    {
        ring.Retry();
        return ring.Fault;
    }
}
