using System.Diagnostics;
using System.Security.Cryptography;
using Secrets.Application.Audit;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

/// <summary>Recomputes every chain from its anchor to its head (docs/decisions/0007-audit-chain.md).</summary>
internal sealed class AuditVerifier(SecretsDbContext db, AuditKey key, AuditCheckpoints checkpoints, CheckpointKeeper keeper) : IAuditVerifier
{
    // Chains per query. One query per chain would dominate the time, and all chains may not fit into memory.
    private const int ChainsPerQuery = 1_000;

    // Enough to show the extent of an attack, and a bound for the response.
    private const int MaxAccounts = 1_000;

    public async Task<AuditVerdict> VerifyAsync(AuditCheckpoint? kept, CancellationToken cancellationToken)
    {
        if (kept is not null && !checkpoints.IsGenuine(kept))
        {
            throw new InvalidRequestException(nameof(AuditCheckpoint.Mac), Codes.BadValue, "Is no checkpoint of this installation, or was changed.");
        }

        // Take these before the snapshot begins. Later ones could cover rows that the snapshot lacks.
        AuditHead[] trusted = [.. kept?.Heads ?? [], .. keeper.Latest?.Heads ?? [], .. checkpoints.OwnHeads];

        // Reading the whole audit may take hours. The caller can cancel.
        db.Database.SetCommandTimeout(TimeSpan.Zero);
        var start = Stopwatch.GetTimestamp();
        var verdict = await CheckOnceAsync(trusted, cancellationToken);
        AuditMetrics.Verified(start, verdict);
        return verdict;
    }

    /// <inheritdoc />
    /// <exception cref="Foundation.StartupException">The file cannot be read, or is no checkpoint of this installation.</exception>
    public Task<AuditVerdict> VerifyWithFileAsync(CancellationToken cancellationToken) => VerifyAsync(keeper.Read(), cancellationToken);

    public async Task<AuditCheckpoint> MakeCheckpointAsync(CancellationToken cancellationToken)
    {
        var accepted = keeper.Latest?.Unsound ?? 0;
        return await db.FindDisguisedTableAsync(cancellationToken) is null
            && await db.InSnapshotAsync(() => checkpoints.MakeAsync(db, cancellationToken), cancellationToken) is { } made
            && made.Unsound <= accepted
            ? made
            : throw new ConflictException("The audit does not verify: no checkpoint is made of it.");
    }

    private async Task<AuditVerdict> CheckOnceAsync(AuditHead[] trusted, CancellationToken cancellationToken)
    {
        try
        {
            // One snapshot: between two queries a chain could grow past its head, or lose rows before its anchor.
            return await db.InSnapshotAsync(() => CheckAsync(trusted, cancellationToken), cancellationToken);
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception))
        {
            // CheckAsync itself reports unreadable audit rows, so the unreadable value is in another table.
            return new AuditVerdict(0, new AuditPlace(Guid.Empty, 0), [], []);
        }
    }

    private async Task<AuditVerdict> CheckAsync(AuditHead[] trusted, CancellationToken cancellationToken)
    {
        if (await db.FindDisguisedTableAsync(cancellationToken) is not null)
        {
            // These queries may see other rows than the reads of requests do. The health check names the table.
            return new AuditVerdict(0, new AuditPlace(Guid.Empty, 0), [], []);
        }

        var missing = await FirstMissingAsync(cancellationToken);
        var summary = new Summary();
        Guid? last = null;
        AuditWriter[] writers;
        do
        {
            writers = await NextWritersAsync(last, cancellationToken);
            await CheckAsync(writers, summary, cancellationToken);
            last = writers.LastOrDefault()?.Id;
        }
        while (writers.Length == ChainsPerQuery);

        var (orphans, first) = await OrphansAsync(cancellationToken);
        var lost = await checkpoints.FindMissingAsync(db, trusted, cancellationToken);
        return new AuditVerdict(summary.Rows + orphans, missing ?? summary.FirstBroken ?? first, lost, await OutdatedAsync(cancellationToken));
    }

    /// <summary>Accounts whose row does not have the latest version in the audit: the row was rolled back, removed, or sealed by a transaction that failed.</summary>
    private async Task<List<OutdatedAccount>> OutdatedAsync(CancellationToken cancellationToken)
    {
        var ofOwners =
            from row in db.Audit
            where row.OwnerVersion != null && row.TargetKeyUserId == null && row.OwnerId != null
                && (row.OwnerKind == OwnerKind.User || row.OwnerKind == OwnerKind.Organization)

            // SQL Server groups texts without their blanks at the end. With a last character, they have none.
            group row.OwnerVersion by new { row.OwnerKind, row.OwnerId, Exact = row.OwnerId + "|" } into changes
            select new
            {
                changes.Key.OwnerKind,
                changes.Key.OwnerId,
                Audited = changes.Max(),
                Version = db.Owners.Where(owner => owner.Id == changes.Key.OwnerId && (OwnerKind?)owner.Kind == changes.Key.OwnerKind)
                    .Select(owner => (long?)owner.Version).SingleOrDefault() ?? 0,
            };
        var ofUsers =
            from row in db.Audit
            where row.OwnerVersion != null && row.TargetKeyUserId != null
            group row.OwnerVersion by row.TargetKeyUserId into changes
            select new
            {
                UserId = changes.Key,
                Audited = changes.Max(),
                Version = db.KeyAccounts.Where(account => account.UserId == changes.Key)
                    .Select(account => (long?)account.Version).SingleOrDefault() ?? 0,
            };
        var owners = await ofOwners.Where(account => account.Version != account.Audited).Take(MaxAccounts).ToListAsync(cancellationToken);
        var users = await ofUsers.Where(account => account.Version != account.Audited).Take(MaxAccounts).ToListAsync(cancellationToken);
        return
        [
            .. owners.Select(row => new OutdatedAccount(new SecretOwner(row.OwnerKind!.Value, row.OwnerId!), IsOfKeys: false, row.Version, row.Audited!.Value)),
            .. users.Select(row => new OutdatedAccount(SecretOwner.User(row.UserId!.Value), IsOfKeys: true, row.Version, row.Audited!.Value)),
        ];
    }

    /// <summary>The first gap in the numbers of the writers; null: all writers exist and their number verifies.</summary>
    private async Task<AuditPlace?> FirstMissingAsync(CancellationToken cancellationToken)
    {
        var count = 0L;
        var numbers = db.AuditWriters.OrderBy(writer => writer.Number).Select(writer => writer.Number).AsAsyncEnumerable();
        await foreach (var number in numbers.WithCancellation(cancellationToken))
        {
            if (number != ++count)
            {
                return new AuditPlace(Guid.Empty, count);
            }
        }

        var registry = await db.AuditKeys.AsNoTracking().SingleOrDefaultAsync(cancellationToken);
        return registry is not null
            && registry.Writers == count
            && CryptographicOperations.FixedTimeEquals(registry.Mac, AuditChain.MacOfRegistry(key.Bytes, count))
            ? null
            : new AuditPlace(Guid.Empty, count + 1);
    }

    /// <summary>The next writers by id. Databases order uuids differently, so only the database compares ids.</summary>
    private Task<AuditWriter[]> NextWritersAsync(Guid? last, CancellationToken cancellationToken)
    {
        var writers = db.AuditWriters.AsNoTracking();
        return (last is { } id ? writers.Where(writer => writer.Id > id) : writers)
            .OrderBy(writer => writer.Id).Take(ChainsPerQuery).ToArrayAsync(cancellationToken);
    }

    /// <summary>Checks the chains of writers with consecutive ids.</summary>
    private async Task CheckAsync(AuditWriter[] writers, Summary summary, CancellationToken cancellationToken)
    {
        if (writers.Length == 0)
        {
            return;
        }

        var (first, last) = (writers[0].Id, writers[^1].Id);
        var chains = writers.ToDictionary(writer => writer.Id, writer => new Chain(key, writer));
        var rows = db.Audit.AsNoTracking().Where(row => row.Writer >= first && row.Writer <= last)
            .OrderBy(row => row.Writer).ThenBy(row => row.Sequence).AsAsyncEnumerable();
        try
        {
            await foreach (var row in rows.WithCancellation(cancellationToken))
            {
                chains.GetValueOrDefault(row.Writer)?.Add(row);
            }
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception))
        {
            // Halve the writers until the unreadable row belongs to a single chain.
            if (writers is not [var writer])
            {
                var half = writers.Length / 2;
                await CheckAsync(writers[..half], summary, cancellationToken);
                await CheckAsync(writers[half..], summary, cancellationToken);
                return;
            }

            chains[writer.Id].Break();
        }

        foreach (var chain in chains.Values)
        {
            summary.Add(chain);
        }
    }

    /// <summary>Rows without a writer: how many, and the first of them.</summary>
    private async Task<(long Count, AuditPlace? First)> OrphansAsync(CancellationToken cancellationToken)
    {
        var orphans = db.Audit.Where(row => !db.AuditWriters.Any(writer => writer.Id == row.Writer));
        var first = await orphans.OrderBy(row => row.Writer).ThenBy(row => row.Sequence)
            .Select(row => new AuditPlace(row.Writer, row.Sequence))
            .FirstOrDefaultAsync(cancellationToken);
        return (first is null ? 0 : await orphans.LongCountAsync(cancellationToken), first);
    }

    /// <summary>The rows of one chain that were read so far.</summary>
    private sealed class Chain(AuditKey key, AuditWriter writer)
    {
        private AuditPosition _position = writer.Anchor;
        private bool _follows = writer.HasSoundAnchor(key.Bytes);

        public long Number => writer.Number;

        public long Rows { get; private set; }

        /// <summary>The first row that does not verify; null: all verify. Valid once all rows were added.</summary>
        public AuditPlace? Broken => _follows && _position.Sequence == writer.Sequence && _position.Hash.AsSpan().SequenceEqual(writer.Hash) && writer.HasSoundHead(key.Bytes)
            ? null
            : new AuditPlace(writer.Id, _position.Sequence + 1);

        public void Add(AuditEntry row)
        {
            Rows++;
            _follows = _follows && AuditChain.Follows(key.Bytes, writer.Id, _position, row);
            if (_follows)
            {
                _position = new AuditPosition(row.Sequence, row.Hash);
            }
        }

        public void Break() => _follows = false;
    }

    /// <summary>The number of rows, and the first break in the oldest broken chain.</summary>
    private sealed class Summary
    {
        private long _number = long.MaxValue;

        public long Rows { get; private set; }

        public AuditPlace? FirstBroken { get; private set; }

        public void Add(Chain chain)
        {
            Rows += chain.Rows;
            if (chain.Broken is { } place && chain.Number < _number)
            {
                (_number, FirstBroken) = (chain.Number, place);
            }
        }
    }
}
