using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Writes to the database, because a server that answers reads may be read-only or out of space.</summary>
internal sealed class DatabaseWriteCheck(SecretsDbContext db, TimeProvider time) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var now = time.GetUtcNow();
        var written = await db.RootKeys.ExecuteUpdateAsync(set => set.SetProperty(row => row.ProbedAt, now), cancellationToken);
        return written > 0 ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("The root key's row is gone.");
    }
}
