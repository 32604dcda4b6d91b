using Microsoft.Data.SqlClient;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>
/// Runs each statement with hints once at the start, on no rows. A server that finds no plan which follows the hints refuses the statement (error 8622),
/// whatever the rows: every request would fail.
/// </summary>
internal static class HintedStatements
{
    /// <summary>Runs the statements, and changes nothing.</summary>
    /// <exception cref="StartupException">The server refuses a statement.</exception>
    public static async Task RequireAsync(SqlServerSecretsDbContext db, CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(db, cancellationToken);
        }
        catch (SqlException exception) when (!db.Faults.IsUnavailable(exception))
        {
            throw new StartupException(
                $"The database server refuses a statement of the service: {exception.Message.ReplaceLineEndings(" ").TrimEnd('.')} (error {db.Faults.CodeOf(exception)}). "
                + "Use SQL Server 2019 or later with compatibility level 150 or higher, or Azure SQL.",
                exception);
        }
    }

    private static async Task RunAsync(SqlServerSecretsDbContext db, CancellationToken cancellationToken)
    {
        await db.NoteUseAsync([], DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch);
        await new SqlServerUseStore().AddAsync(db, [], cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await new SqlServerOwnerRows().ReadAsync(db, []);
        await db.LockRowAsync(new SecretOwner(OwnerKind.Organization, ""), cancellationToken); // no owner has this id
        var secrets = new SqlServerNewSecretStore();
        await secrets.LockAsync(db, []);
        await secrets.StoreAsync(db, []);
        await secrets.UpdateAccountsAsync(db, []);
        var (audit, key) = (new SqlServerAuditStore(), new KeyPrecondition(Guid.Empty, Guid.Empty, Version: 0, Stamp: 0));
        var preconditions = new PreconditionSet([], [key], DateTimeOffset.UnixEpoch);
        await audit.FindStaleAsync(db, preconditions);

        // The writer does not exist, so nothing is stored.
        var entry = AuditChain.Continue(
            new byte[AuditChain.KeySize], Guid.Empty, AuditPosition.Start, [AuditEvent.ByService(AuditAction.AccountChange, DateTimeOffset.UnixEpoch)]);
        await audit.AppendAsync(db, new AuditAppend(entry, new byte[32]), preconditions, commits: false);
        await transaction.RollbackAsync(cancellationToken);
    }
}
