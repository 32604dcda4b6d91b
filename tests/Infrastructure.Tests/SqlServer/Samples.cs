using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;
using Secrets.Infrastructure.Persistence.SqlServer;

namespace Secrets.Infrastructure.Tests.SqlServer;

/// <summary>Samples of the data that the service sends to a server.</summary>
internal static class Samples
{
    public static readonly SecretOwner Owner = new(OwnerKind.Organization, "acme");

    public static readonly AccountChange Move = new(Owner, new CachedAccount(default, []), new CachedAccount(default, new byte[Account.SealedSize]));

    public static SqlServerSecretsDbContext NewContext(string connectionString)
    {
        var options = new DbContextOptionsBuilder<SqlServerSecretsDbContext>();
        SqlServerEngine.Configure(options, connectionString);
        var audit = new AuditWriters(new SqlServerAuditStore(), new AuditKey(), new SqlServerFaults(), TimeProvider.System, NullLogger<AuditWriters>.Instance);
        options.UseApplicationServiceProvider(new ServiceCollection().AddSingleton<IAuditCommit>(audit).BuildServiceProvider());
        return new SqlServerSecretsDbContext(options.Options);
    }

    public static AuditAppend Append(int count) => new(
        AuditChain.Continue(
            new byte[AuditChain.KeySize],
            Guid.NewGuid(),
            AuditPosition.Start,
            [.. Enumerable.Repeat(
                new AuditEvent { At = DateTimeOffset.UnixEpoch, Actor = Guid.Empty, Action = AuditAction.SecretResolve, Outcome = AuditOutcome.Success, ToolName = "tööl" },
                count)]),
        new byte[32]);

    public static Secret NewSecret()
    {
        var secret = Secret.Create(
            Owner, "name", "", new ToolBinding("tool", "arg", IsDefault: true), new WorkspaceAccess(WorkspaceRule.All, []), Guid.Empty, DateTimeOffset.UnixEpoch);
        secret.Seal(Values.Of("value"), new byte[64]);
        return secret;
    }
}
