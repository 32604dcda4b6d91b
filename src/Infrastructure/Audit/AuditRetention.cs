using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.Extensions.Hosting;
using Secrets.Application.Audit;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

/// <summary>
/// Removes audit rows that are older than the retention period, from the start of each chain. The chain's anchor moves behind the last removed
/// row, so that the rest still verifies.
/// </summary>
internal sealed partial class AuditRetention(
    IServiceScopeFactory scopes, AuditKey key, IOptions<AuditOptions> options, TimeProvider time, ILogger<AuditRetention> logger)
    : BackgroundService
{
    /// <summary>Rows per transaction. The process that appends to the chain may wait for such a transaction.</summary>
    public const int BatchSize = 1_000;

    // At most this many later rows are verified for each account. If none of them is genuine, the account's version is written again.
    private const int MaxWitnesses = 5;

    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    public async Task RemoveAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<SecretsDbContext>();
        var writers = await db.AuditWriters.Where(writer => writer.AnchorSequence < writer.Sequence)
            .Select(writer => writer.Id).ToListAsync(cancellationToken);
        foreach (var writer in writers)
        {
            try
            {
                while (await RemoveBatchAsync(db, writer, before, cancellationToken))
                {
                    // Continue with the next batch of the same chain.
                }
            }
            catch (Exception exception) when (AuditRows.AreUnreadable(exception))
            {
                // Skip this chain and continue: the other chains are not affected.
                Broken(writer);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.RetentionDays is not { } days)
        {
            return;
        }

        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await RemoveAsync(time.GetUtcNow().AddDays(-days), stoppingToken);
            }
            catch (Exception exception) when (!exception.IsCancelledBy(stoppingToken))
            {
                Failed(exception.GetType().Name);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Removes one batch of a chain.</summary>
    /// <returns>Whether the chain may have more old rows.</returns>
    private async Task<bool> RemoveBatchAsync(SecretsDbContext db, Guid id, DateTimeOffset before, CancellationToken cancellationToken)
    {
        // Two transactions: sign the anchor only after the versions are stored. A single transaction would send the signed anchor before it commits. An attacker
        // could keep that anchor, make the transaction fail, and remove the rows later.
        var batch = await db.InTransactionAsync(token => ReadBatchAsync(db, id, before, token), cancellationToken);
        return batch is not null
            && await db.InTransactionAsync(token => RemoveAsync(db, batch, token), cancellationToken)
            && batch.Rows == BatchSize;
    }

    /// <summary>Finds the old rows at the start of a chain, and stores the versions of accounts that only they have.</summary>
    /// <returns>Null if there are none, or if the chain does not verify.</returns>
    private async Task<Batch?> ReadBatchAsync(SecretsDbContext db, Guid id, DateTimeOffset before, CancellationToken cancellationToken)
    {
        var writer = await db.AuditWriters.AsNoTracking().SingleAsync(writer => writer.Id == id, cancellationToken);
        var rows = await db.Audit.AsNoTracking().Where(row => row.Writer == id)
            .OrderBy(row => row.Sequence).Take(BatchSize).ToListAsync(cancellationToken);
        var old = rows.TakeWhile(row => row.At < before).ToList();
        var end = writer.Anchor;

        // Keep a chain that does not verify: its rows are evidence of tampering.
        var sound = writer.HasSoundAnchor(key.Bytes) && old.TrueForAll(row =>
        {
            var follows = AuditChain.Follows(key.Bytes, id, end, row);
            end = new AuditPosition(row.Sequence, row.Hash);
            return follows;
        });
        if (!sound)
        {
            Broken(id);
            return null;
        }

        await KeepVersionsAsync(db, old, before, cancellationToken);
        return old.Count == 0 ? null : new Batch(writer, end, old.Count);
    }

    /// <summary>Moves the anchor behind a batch and removes its rows.</summary>
    /// <returns>False if another replica did so first.</returns>
    private async Task<bool> RemoveAsync(SecretsDbContext db, Batch batch, CancellationToken cancellationToken)
    {
        var (id, anchor) = (batch.Writer.Id, batch.Writer.AnchorSequence);
        switch (await MoveAnchorAsync(db, batch.Writer, batch.End, cancellationToken))
        {
            case 0:
                if (await db.AuditWriters.AnyAsync(row => row.Id == id && row.AnchorSequence == anchor, cancellationToken))
                {
                    NotMoved(id);
                }

                return false;
            case 1:
                // The lower bound keeps the estimate of SQL Server low, which then locks rows and not pages.
                await db.Audit.Where(row => row.Writer == id && row.Sequence > anchor && row.Sequence <= batch.End.Sequence).ExecuteDeleteAsync(cancellationToken);
                return true;
            default:
                // SQL Server counts -1 rows if an administrator turned counting off for all users.
                throw new InvalidOperationException("The database does not count changed rows, so nothing is removed.");
        }
    }

    /// <summary>
    /// Writes the version of an account again if only rows that are about to be removed have it. An account whose version is not in the audit could be rolled back unnoticed
    /// (docs/decisions/0020-the-database-is-not-trusted.md).
    /// </summary>
    private static async Task KeepVersionsAsync(SecretsDbContext db, List<AuditEntry> old, DateTimeOffset before, CancellationToken cancellationToken)
    {
        foreach (var rows in old.Where(row => row.OwnerVersion is not null).GroupBy(AccountOf))
        {
            var (user, kind, owner) = rows.Key;
            var version = rows.Max(row => row.OwnerVersion);
            var later = user is not null
                ? db.Audit.Where(row => row.TargetKeyUserId == user)
                : db.Audit.Where(row => row.OwnerId == owner && row.OwnerKind == kind && row.TargetKeyUserId == null);
            var latest = await FindLatestAsync(db, later.Where(row => row.OwnerVersion != null && row.OwnerVersion >= version), cancellationToken);

            // An old row does not stay: retention removes it too, or an attacker has put it back and would remove it again.
            if (latest is null || latest.At < before)
            {
                // Use the clock of the writers, not the clock that decides which rows are old.
                db.Record(AuditEvent.ByService(AuditAction.AccountVersion, db.GetService<TimeProvider>().GetUtcNow()) with
                {
                    Owner = user is null && kind is { } ownerKind ? new SecretOwner(ownerKind, owner!) : null,
                    TargetKeyUserId = user,
                    OwnerVersion = latest?.OwnerVersion ?? version,
                });
            }
        }
    }

    /// <summary>The genuine row with the highest version; null: none. A row that an attacker inserted must not make the service forget the version.</summary>
    private static async Task<AuditEntry?> FindLatestAsync(SecretsDbContext db, IQueryable<AuditEntry> rows, CancellationToken cancellationToken)
    {
        foreach (var row in await rows.AsNoTracking().OrderByDescending(row => row.OwnerVersion).ThenByDescending(row => row.At).Take(MaxWitnesses).ToListAsync(cancellationToken))
        {
            if (await db.GetService<AuditRowVerifier>().IsGenuineAsync(db, row, cancellationToken))
            {
                return row;
            }
        }

        return null;
    }

    /// <summary>The account whose version a row has: the account of a user's API keys, or of an owner.</summary>
    private static (Guid? User, OwnerKind? Kind, string? Owner) AccountOf(AuditEntry row) =>
        row.TargetKeyUserId is { } user ? (user, null, null) : (null, row.OwnerKind, row.OwnerId);

    /// <summary>Moves the anchor of a chain.</summary>
    /// <returns>The number of changed rows; 0 if another replica moved the anchor concurrently.</returns>
    private Task<int> MoveAnchorAsync(SecretsDbContext db, AuditWriter writer, AuditPosition end, CancellationToken cancellationToken)
    {
        var mac = AuditChain.MacOfAnchor(key.Bytes, writer.Id, end);
        return db.AuditWriters.Where(row => row.Id == writer.Id && row.AnchorSequence == writer.AnchorSequence)
            .ExecuteUpdateAsync(
                set => set
                    .SetProperty(row => row.AnchorSequence, end.Sequence)
                    .SetProperty(row => row.AnchorHash, end.Hash)
                    .SetProperty(row => row.AnchorMac, mac),
                cancellationToken);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The chain of audit writer {Writer} does not verify. Retention removes none of its rows")]
    private partial void Broken(Guid writer);

    [LoggerMessage(Level = LogLevel.Error, Message = "The database does not move the anchor of audit writer {Writer}: look for a trigger or a rule on audit_writers. Retention removes none of its rows")]
    private partial void NotMoved(Guid writer);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Old rows of the audit could not be removed. The service retries in an hour: {Failure}")]
    private partial void Failed(string failure);

    /// <summary>Old rows at the start of a chain.</summary>
    /// <param name="Writer">The chain's writer, with the anchor before the rows.</param>
    /// <param name="End">The last row.</param>
    /// <param name="Rows">The number of rows.</param>
    private sealed record Batch(AuditWriter Writer, AuditPosition End, int Rows);
}
