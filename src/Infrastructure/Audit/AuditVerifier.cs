using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Secrets.Application.Audit;
using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

/// <summary>Recomputes every chain, from where it starts to where it ends (docs/decisions/0007-audit-chain.md).</summary>
internal sealed class AuditVerifier(SecretsDbContext db, AuditKey key, AuditCheckpoints checkpoints, CheckpointKeeper keeper) : IAuditVerifier
{
    // How many chains are read as one stream: a question for each would be most of the work where there are many, and all of them are never in memory.
    private const int AtOnce = 1_000;

    // Of an answer: who sees so many knows enough.
    private const int MostAccounts = 1_000;

    public async Task<AuditVerdict> VerifyAsync(AuditCheckpoint? kept, CancellationToken cancellationToken)
    {
        if (kept is not null && !checkpoints.IsGenuine(kept))
        {
            throw new InvalidRequestException(nameof(AuditCheckpoint.Mac), Codes.BadValue, "Is no checkpoint of this installation, or was changed.");
        }

        // Before: what is kept later may be ahead of the moment that is read.
        AuditCheckpoint[] known = [.. new[] { kept, keeper.Latest }.OfType<AuditCheckpoint>()];

        // It reads everything there is. Whoever asked can leave.
        db.Database.SetCommandTimeout(TimeSpan.Zero);
        try
        {
            // One moment: else a chain could be longer than its head, or shorter than its start, for the time between two queries.
            return await db.AtOneMomentAsync(() => CheckAsync(known, cancellationToken), cancellationToken);
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception))
        {
            // Not in a row, whose chain would be known by now.
            return new AuditVerdict(0, new AuditPlace(Guid.Empty, 0), [], []);
        }
    }

    public async Task<AuditCheckpoint> MakeCheckpointAsync(CancellationToken cancellationToken)
    {
        var accepted = keeper.Latest?.Unsound ?? 0;
        return await db.AtOneMomentAsync(() => checkpoints.MakeAsync(db, cancellationToken), cancellationToken) is { } made && made.Unsound <= accepted
            ? made
            : throw new ConflictException("The audit does not verify: no checkpoint is made of it.");
    }

    private async Task<AuditVerdict> CheckAsync(AuditCheckpoint[] known, CancellationToken cancellationToken)
    {
        var missing = await FirstMissingAsync(cancellationToken);
        var findings = new Findings();
        Guid? last = null;
        AuditWriter[] writers;
        do
        {
            writers = await BehindAsync(last, cancellationToken);
            await CheckAsync(writers, findings, cancellationToken);
            last = writers.LastOrDefault()?.Id;
        }
        while (writers.Length == AtOnce);

        var (strangers, first) = await StrangersAsync(cancellationToken);
        return new AuditVerdict(
            findings.Rows + strangers, missing ?? findings.First ?? first, await MissingSinceAsync(known, cancellationToken), await OutdatedAsync(cancellationToken));
    }

    /// <summary>What is missing since one of these was made.</summary>
    private async Task<List<MissingRows>> MissingSinceAsync(AuditCheckpoint[] known, CancellationToken cancellationToken)
    {
        List<MissingRows> missing = [];
        foreach (var kept in known)
        {
            missing.AddRange(await checkpoints.FindMissingAsync(db, kept, cancellationToken));
        }

        return [.. missing.GroupBy(rows => rows.Writer, (_, all) => all.MaxBy(rows => rows.Last)!)];
    }

    private async Task<List<OutdatedAccount>> OutdatedAsync(CancellationToken cancellationToken)
    {
        var ofOwners =
            from row in db.Audit
            where row.OwnerVersion != null && row.TargetKeyUserId == null && row.OwnerId != null && (row.OwnerKind == OwnerKind.User || row.OwnerKind == OwnerKind.Organization)
            group row.OwnerVersion by new { row.OwnerKind, row.OwnerId } into changes
            select new
            {
                changes.Key.OwnerKind,
                changes.Key.OwnerId,
                Audited = changes.Max(),
                Version = db.Owners.Where(owner => owner.Id == changes.Key.OwnerId && (OwnerKind?)owner.Kind == changes.Key.OwnerKind).Select(owner => (long?)owner.Version).SingleOrDefault() ?? 0,
            };
        var ofUsers =
            from row in db.Audit
            where row.OwnerVersion != null && row.TargetKeyUserId != null
            group row.OwnerVersion by row.TargetKeyUserId into changes
            select new
            {
                UserId = changes.Key,
                Audited = changes.Max(),
                Version = db.KeyAccounts.Where(account => account.UserId == changes.Key).Select(account => (long?)account.Version).SingleOrDefault() ?? 0,
            };
        var owners = await ofOwners.Where(account => account.Version < account.Audited).Take(MostAccounts).ToListAsync(cancellationToken);
        var users = await ofUsers.Where(account => account.Version < account.Audited).Take(MostAccounts).ToListAsync(cancellationToken);
        return
        [
            .. owners.Select(account => new OutdatedAccount(new SecretOwner(account.OwnerKind!.Value, account.OwnerId!), IsOfKeys: false, account.Version, account.Audited!.Value)),
            .. users.Select(account => new OutdatedAccount(SecretOwner.User(account.UserId!.Value), IsOfKeys: true, account.Version, account.Audited!.Value)),
        ];
    }

    /// <summary>Whether all writers are there that ever were.</summary>
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

    /// <summary>The next writers in the order of their ids, which is the database's to know.</summary>
    private Task<AuditWriter[]> BehindAsync(Guid? last, CancellationToken cancellationToken)
    {
        var writers = db.AuditWriters.AsNoTracking();
        return (last is { } id ? writers.Where(writer => writer.Id > id) : writers)
            .OrderBy(writer => writer.Id).Take(AtOnce).ToArrayAsync(cancellationToken);
    }

    /// <summary>Checks the chains of writers that follow each other in the order of their ids.</summary>
    private async Task CheckAsync(AuditWriter[] writers, Findings findings, CancellationToken cancellationToken)
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
            // Whose row it is only halves can tell.
            if (writers is not [var writer])
            {
                var half = writers.Length / 2;
                await CheckAsync(writers[..half], findings, cancellationToken);
                await CheckAsync(writers[half..], findings, cancellationToken);
                return;
            }

            chains[writer.Id].Break();
        }

        foreach (var chain in chains.Values)
        {
            findings.Add(chain);
        }
    }

    /// <summary>Rows of writers that there are not.</summary>
    private async Task<(long Read, AuditPlace? First)> StrangersAsync(CancellationToken cancellationToken)
    {
        var strangers = db.Audit.Where(row => !db.AuditWriters.Any(writer => writer.Id == row.Writer));
        var first = await strangers.OrderBy(row => row.Writer).ThenBy(row => row.Sequence)
            .Select(row => new AuditPlace(row.Writer, row.Sequence))
            .FirstOrDefaultAsync(cancellationToken);
        return (first is null ? 0 : await strangers.LongCountAsync(cancellationToken), first);
    }

    /// <summary>One chain, as far as it was read.</summary>
    private sealed class Chain(AuditKey key, AuditWriter writer)
    {
        private AuditPosition _position = writer.Anchor;
        private bool _follows = writer.HasSoundAnchor(key.Bytes);

        public long Number => writer.Number;

        public long Rows { get; private set; }

        /// <summary>Where it is broken, once all of it was read; null: nowhere.</summary>
        public AuditPlace? Broken => _follows && _position.Sequence == writer.Sequence && writer.HasSoundHead(key.Bytes)
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

    /// <summary>What was found: how many rows, and the broken chain that was begun first.</summary>
    private sealed class Findings
    {
        private long _number = long.MaxValue;

        public long Rows { get; private set; }

        public AuditPlace? First { get; private set; }

        public void Add(Chain chain)
        {
            Rows += chain.Rows;
            if (chain.Broken is { } place && chain.Number < _number)
            {
                (_number, First) = (chain.Number, place);
            }
        }
    }
}
