using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Secrets.Application.Audit;
using Secrets.Application.Common;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Resolution;

public sealed class CheckingPreconditions(ApiServer server) : IClassFixture<ApiServer>
{
    /// <summary>A caller with a token has no key precondition. If the types of its parameters differed then, two statements would be prepared.</summary>
    [Fact]
    public async Task Whatever_is_claimed_the_statement_is_prepared_once()
    {
        const int Turns = 20;
        await using var db = await server.NewContextAsync();
        await db.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        var audit = server.Services.GetRequiredService<IAuditStore>();
        var (owner, key) = (new OwnerStamp(SecretOwner.User(Guid.NewGuid()), 7, 3), new KeyPrecondition(Guid.NewGuid(), Guid.NewGuid(), 1, 1));

        for (var turn = 0; turn < Turns; turn++)
        {
            Assert.Equal([owner], (await audit.FindStaleAsync(db, new PreconditionSet([owner], [], DateTimeOffset.UtcNow))).Owners);
            Assert.Equal([key], (await audit.FindStaleAsync(db, new PreconditionSet([], [key], DateTimeOffset.UtcNow))).Keys);
        }

        // The driver prepares a statement after five executions.
        var runs = await db.Database.SqlQuery<long>(
            $"SELECT sum(generic_plans + custom_plans)::bigint AS \"Value\" FROM pg_prepared_statements WHERE statement LIKE '%revoked_at%'")
            .SingleAsync(TestContext.Current.CancellationToken);
        Assert.InRange(runs, (2 * Turns) - 6, 2 * Turns);
    }
}
