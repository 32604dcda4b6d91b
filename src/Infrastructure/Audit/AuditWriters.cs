using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore.Storage;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

/// <summary>
/// The chains that this process appends to. Each transaction uses a chain of its own. With a single chain, every write of the installation would
/// wait for the commit of the previous one.
/// </summary>
internal sealed partial class AuditWriters(
    IAuditStore store, AuditKey key, IDatabaseFaults faults, TimeProvider time, ILogger<AuditWriters> logger) : IAuditCommit
{
    // A stack, so that a quiet process reuses the same few chains.
    private readonly ConcurrentStack<Chain> _idle = new();

    // Also of abandoned chains: no later write of this process would notice that their last rows are gone.
    private readonly ConcurrentDictionary<Guid, AuditPosition> _ends = new();

    /// <summary>The last row of each chain that this process is known to have committed.</summary>
    public IReadOnlyList<AuditHead> Ends => [.. _ends.Select(end => new AuditHead(end.Key, end.Value))];

    /// <summary>Forgets <see cref="Ends"/>, after an operator accepted that rows are missing.</summary>
    public void ForgetEnds() => _ends.Clear();

    /// <summary>Writes events, possibly none, in the context's transaction, and commits.</summary>
    /// <exception cref="UnavailableException">The events are not written, or the outcome of the commit is unknown.</exception>
    public async Task CommitAsync(SecretsDbContext db, IReadOnlyList<AuditEvent> events, IDbContextTransaction transaction)
    {
        if (events.Count == 0)
        {
            await transaction.CommitAsync(CancellationToken.None);
            return;
        }

        var (_, next) = await PutAsync(db, events, Idle(), Append(db, commits: true)) ?? throw new UnreachableException();

        // Return the chain only after success. After a failure its end is unknown, so this process abandons the chain and begins a new one.
        Committed(next);
    }

    /// <summary>Writes events and the changes that they describe atomically, and commits.</summary>
    /// <param name="db">A context in a transaction. The call ends the transaction.</param>
    /// <param name="events">At least one.</param>
    /// <param name="write">Stores the rows and the changes, and moves the chain's head.</param>
    /// <returns>False if <paramref name="write"/> returned <see cref="AuditWrite.Refused"/>.</returns>
    /// <exception cref="UnavailableException">Nothing is written, or the outcome of the commit is unknown.</exception>
    public async Task<bool> TryCommitAsync(SecretsDbContext db, IReadOnlyList<AuditEvent> events, Func<AuditAppend, Task<AuditWrite>> write)
    {
        var idle = Idle();
        var put = await PutAsync(db, events, idle, write);
        Settle(put?.Next, idle);
        return put is not null;
    }

    /// <summary>Writes events in a transaction of their own.</summary>
    /// <param name="db">A context without a transaction.</param>
    /// <param name="events">At least one.</param>
    /// <param name="write">Stores the rows and moves the chain's head. If its second argument is true, it also commits.</param>
    /// <returns>The stored rows; null if <paramref name="write"/> returned <see cref="AuditWrite.Refused"/>.</returns>
    /// <exception cref="UnavailableException">The events are not written, or the outcome of the commit is unknown.</exception>
    public async Task<IReadOnlyList<AuditEntry>?> AppendAsync(
        SecretsDbContext db, IReadOnlyList<AuditEvent> events, Func<AuditAppend, bool, Task<AuditWrite>> write)
    {
        if (Idle() is { } chain)
        {
            var put = await PutAsync(db, events, chain, rows => write(rows, false));
            Settle(put?.Next, chain);
            return put?.Entries;
        }

        // A new chain and its first rows need one transaction.
        await using var transaction = await db.Database.BeginTransactionAsync();
        var begun = await PutAsync(db, events, chain: null, rows => write(rows, true));
        Settle(begun?.Next, unused: null);
        return begun?.Entries;
    }

    /// <summary>Writes an event and rolls back.</summary>
    /// <exception cref="UnavailableException">The event could not be written.</exception>
    public async Task ProbeAsync(SecretsDbContext db, AuditEvent auditEvent)
    {
        await using var transaction = await db.Database.BeginTransactionAsync();
        var idle = Idle();
        await PutAsync(db, [auditEvent], idle, Append(db, commits: false));
        await transaction.RollbackAsync();
        Return(idle);
    }

    private Chain? Idle() => _idle.TryPop(out var chain) ? chain : null;

    private void Settle(Chain? committed, Chain? unused)
    {
        if (committed is not null)
        {
            Committed(committed);
        }
        else
        {
            Return(unused);
        }
    }

    private void Committed(Chain chain)
    {
        _ends[chain.Writer] = chain.Position;
        Return(chain);
    }

    private void Return(Chain? chain)
    {
        if (chain is not null)
        {
            _idle.Push(chain);
        }
    }

    private Func<AuditAppend, Task<AuditWrite>> Append(SecretsDbContext db, bool commits) =>
        async rows => await store.AppendAsync(db, rows, PreconditionSet.None, commits) ? AuditWrite.Done : AuditWrite.Displaced;

    // No cancellation: after a cancelled write nobody could tell whether the write happened.
    private Task<(IReadOnlyList<AuditEntry> Entries, Chain Next)?> PutAsync(
        SecretsDbContext db, IReadOnlyList<AuditEvent> events, Chain? chain, Func<AuditAppend, Task<AuditWrite>> write) => OrUnavailableAsync(async () =>
    {
        chain ??= await BeginAsync(db);
        var entries = AuditChain.Continue(key.Bytes, chain.Writer, chain.Position, events);
        var next = chain with { Position = new AuditPosition(entries[^1].Sequence, entries[^1].Hash) };
        switch (await write(new AuditAppend(entries, AuditChain.MacOfHead(key.Bytes, next.Writer, next.Number, next.Position))))
        {
            case AuditWrite.Done:
                return (entries, next);
            case AuditWrite.Refused:
                return default((IReadOnlyList<AuditEntry>, Chain)?);
            default:
                Displaced(chain.Writer, chain.Position.Sequence);
                throw new UnavailableException();
        }
    });

    private async Task<T> OrUnavailableAsync<T>(Func<Task<T>> write)
    {
        try
        {
            return await write();
        }
        catch (Exception exception) when (exception is not UnavailableException)
        {
            Failed(exception.GetType().Name, faults.CodeOf(exception));
            throw new UnavailableException();
        }
    }

    private async Task<Chain> BeginAsync(SecretsDbContext db)
    {
        // The update locks the row until the end of the transaction, so the numbers of writers have no gap.
        await db.AuditKeys.ExecuteUpdateAsync(set => set.SetProperty(row => row.Writers, row => row.Writers + 1));
        var registry = await db.AuditKeys.AsNoTracking().SingleAsync();
        var writer = new AuditWriter(key.Bytes, Guid.CreateVersion7(time.GetUtcNow()), registry.Writers);

        // If somebody changed the number of writers, continue from it but do not authenticate it: verification must keep failing.
        if (CryptographicOperations.FixedTimeEquals(registry.Mac, AuditChain.MacOfRegistry(key.Bytes, writer.Number - 1)))
        {
            var mac = AuditChain.MacOfRegistry(key.Bytes, writer.Number);
            await db.AuditKeys.ExecuteUpdateAsync(set => set.SetProperty(row => row.Mac, mac));
        }

        db.Add(writer);
        await db.SaveChangesAsync();
        return new Chain(writer.Id, writer.Number, writer.Head);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The audit cannot be written: {Failure}, code {Code}")]
    private partial void Failed(string failure, string? code);

    [LoggerMessage(Level = LogLevel.Error, Message = "The chain of audit writer {Writer} does not end at {Sequence}: it was changed outside the service")]
    private partial void Displaced(Guid writer, long sequence);

    private sealed record Chain(Guid Writer, long Number, AuditPosition Position);
}
