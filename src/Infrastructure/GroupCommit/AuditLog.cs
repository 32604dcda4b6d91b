using System.Diagnostics;
using Secrets.Application.Audit;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Batching;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Resolution;

namespace Secrets.Infrastructure.GroupCommit;

/// <summary>Group commit of audit events: events that arrive during one write share the next. The write checks the preconditions of all of them.</summary>
internal sealed class AuditLog : IAuditLog, IAsyncDisposable
{
    // A cached key becomes stale whenever any key of its user changes, so several refreshes may be needed.
    private const int MaxKeyRefreshes = 5;

    private readonly IDbContextFactory<SecretsDbContext> _contexts;
    private readonly ConditionalAudit _audit;
    private readonly AuditWriters _writers;
    private readonly UseCounter _uses;
    private readonly Batcher<Item, Verdict> _batcher;

    public AuditLog(
        IDbContextFactory<SecretsDbContext> contexts, ConditionalAudit audit, AuditWriters writers, UseCounter uses, IOptions<GroupCommitOptions> options)
    {
        _contexts = contexts;
        _audit = audit;
        _writers = writers;
        _uses = uses;
        _batcher = new Batcher<Item, Verdict>(options.Value.ToLimits("audit"), WriteAsync);
    }

    public async Task<AuditReceipt> AppendAsync(IReadOnlyList<AuditEvent> events, CancellationToken cancellationToken)
    {
        var start = AppendMetrics.Start();
        var verdict = await _batcher.AddAsync(new Item(events, Preconditions.None), cancellationToken);
        AppendMetrics.Done(start);
        return verdict.Receipt!;
    }

    public async Task<AppendOutcome> AppendAsync(IReadOnlyList<AuditEvent> events, Preconditions preconditions, CancellationToken cancellationToken)
    {
        if (events.Count == 0 && preconditions is { Owners.Count: 0, Key: null })
        {
            return new AppendOutcome(PreconditionsHold: true, Receipt: null);
        }

        var start = AppendMetrics.Start();
        for (var attempt = 0; attempt < MaxKeyRefreshes; attempt++)
        {
            var verdict = await _batcher.AddAsync(new Item(events, preconditions), cancellationToken);
            if (!verdict.IsKeyStale)
            {
                AppendMetrics.Done(start);
                return new AppendOutcome(!verdict.IsStale, verdict.Receipt);
            }

            // Another key of the same user may have changed: read this one again.
            preconditions = preconditions with { Key = await _audit.RefreshAsync(preconditions.Key!, cancellationToken) ?? throw new UnauthenticatedException() };
        }

        throw new UnavailableException();
    }

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();

    private async Task<IReadOnlyList<Verdict>> WriteAsync(IReadOnlyList<Item> items)
    {
        await using var db = await _contexts.CreateDbContextAsync();
        var verdicts = new Verdict[items.Count];
        while (await WriteOrFindStaleAsync(db, items, verdicts) is { } stale)
        {
            for (var at = 0; at < verdicts.Length; at++)
            {
                var (owners, key) = items[at].Preconditions;
                verdicts[at] = new Verdict(
                    Receipt: null,
                    IsStale: verdicts[at].IsStale || owners.Any(stale.Owners.Contains),
                    IsKeyStale: verdicts[at].IsKeyStale || (key is not null && stale.Keys.Contains(PreconditionOf(key))));
            }
        }

        return verdicts;
    }

    /// <summary>Writes the events of all items that are not refused yet, and gives them receipts. If a precondition is stale, nothing is written.</summary>
    /// <returns>The stale preconditions; null: everything is written.</returns>
    private async Task<PreconditionSet?> WriteOrFindStaleAsync(SecretsDbContext db, IReadOnlyList<Item> items, Verdict[] verdicts)
    {
        var (events, owners, keys) = (new List<AuditEvent>(items.Count), new HashSet<OwnerStamp>(), new HashSet<KeyPrecondition>());
        for (var at = 0; at < verdicts.Length; at++)
        {
            if (verdicts[at].IsRefused)
            {
                continue;
            }

            events.AddRange(items[at].Events);
            owners.UnionWith(items[at].Preconditions.Owners);
            if (items[at].Preconditions.Key is { } key)
            {
                keys.Add(PreconditionOf(key));
            }
        }

        var preconditions = _audit.Combine(owners, keys);
        var entries = events.Count == 0 ? null : await AppendAsync(db, events, preconditions);
        if (entries is null && await _audit.FindStaleAsync(db, preconditions) is { } stale)
        {
            return stale;
        }

        // All preconditions hold, but nothing was written, so the chain does not end where this process expects. Append again without preconditions, which
        // reports that.
        if (events.Count > 0)
        {
            GiveReceipts(items, entries ?? await AppendAsync(db, events, PreconditionSet.None) ?? throw new UnreachableException(), verdicts);
        }

        return null;
    }

    private static KeyPrecondition PreconditionOf(CachedKey cached) => new(cached.Key.Id, cached.Key.UserId, cached.Version, cached.Stamp);

    private async Task<IReadOnlyList<AuditEntry>?> AppendAsync(SecretsDbContext db, List<AuditEvent> events, PreconditionSet preconditions)
    {
        var entries = await _writers.AppendAsync(db, events, (rows, commits) => _audit.AppendAsync(db, rows, preconditions, commits));
        if (entries is not null)
        {
            _uses.Count(entries);
        }

        return entries;
    }

    private static void GiveReceipts(IReadOnlyList<Item> items, IReadOnlyList<AuditEntry> entries, Verdict[] verdicts)
    {
        var end = 0;
        for (var at = 0; at < verdicts.Length; at++)
        {
            if (!verdicts[at].IsRefused && items[at].Events.Count > 0)
            {
                end += items[at].Events.Count;
                verdicts[at] = new Verdict(new AuditReceipt(entries[end - 1].Writer, entries[end - 1].Sequence, entries[end - 1].Hash));
            }
        }
    }

    private readonly record struct Item(IReadOnlyList<AuditEvent> Events, Preconditions Preconditions);

    private readonly record struct Verdict(AuditReceipt? Receipt, bool IsStale = false, bool IsKeyStale = false)
    {
        public bool IsRefused => IsStale || IsKeyStale;
    }
}
