using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Secrets.Infrastructure.Persistence;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests;

internal static class ServerContexts
{
    /// <summary>A context of a server's own database.</summary>
    public static Task<SecretsDbContext> NewContextAsync(this ApiServer server) =>
        server.Services.GetRequiredService<IDbContextFactory<SecretsDbContext>>().CreateDbContextAsync(TestContext.Current.CancellationToken);
}
