using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Writes to the database, because a server that answers reads may be read-only or out of space. On a connection of those that requests use.</summary>
internal sealed class DatabaseWriteCheck(IServiceScopeFactory scopes, TimeProvider time) : WriteCheck
{
    protected override async Task<HealthCheckResult> WriteAsync()
    {
        await using var scope = scopes.CreateAsyncScope();
        var now = time.GetUtcNow();
        var written = await scope.ServiceProvider.GetRequiredService<SecretsDbContext>().RootKeys
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.ProbedAt, now));
        return written > 0 ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("The root key's row is gone.");
    }
}
