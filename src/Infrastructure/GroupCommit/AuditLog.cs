using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Secrets.Application.Audit;
using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Batching;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Resolution;

namespace Secrets.Infrastructure.GroupCommit;

/// <summary>
/// Group commit of the audit: events that arrive while one write is under way share the next, which confirms what all of them rest on.
/// </summary>
internal sealed class AuditLog : IAuditLog, IAsyncDisposable
{
    // How often a user's keys may change while one of them is confirmed.
    private const int MaxAttempts = 5;

    private readonly IDbContextFactory<SecretsDbContext> _contexts;
    private readonly ConfirmedAudit _audit;
    private readonly AuditWriters _writers;
    private readonly UseCounter _uses;
    private readonly Batcher<Claimed, Verdict> _batcher;

    public AuditLog(
        IDbContextFactory<SecretsDbContext> contexts, ConfirmedAudit audit, AuditWriters writers, UseCounter uses, IOptions<GroupCommitOptions> options)
    {
        _contexts = contexts;
        _audit = audit;
        _writers = writers;
        _uses = uses;
        _batcher = new Batcher<Claimed, Verdict>(options.Value.ToLimits(), WriteAsync);
    }

    public async Task<AuditReceipt> AppendAsync(IReadOnlyList<AuditEvent> events, CancellationToken cancellationToken) =>
        (await _batcher.AddAsync(new Claimed(events, Grounds.None), cancellationToken)).Receipt!;

    public async Task<Confirmation> AppendAsync(IReadOnlyList<AuditEvent> events, Grounds grounds, CancellationToken cancellationToken)
    {
        if (events.Count == 0 && grounds is { Owners.Count: 0, Key: null })
        {
            return new Confirmation(Holds: true, Receipt: null);
        }

        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            var verdict = await _batcher.AddAsync(new Claimed(events, grounds), cancellationToken);
            if (!verdict.IsKeyOutdated)
            {
                return new Confirmation(!verdict.IsOutdated, verdict.Receipt);
            }

            // Its user's keys have changed. Perhaps it was another of them.
            grounds = grounds with { Key = await _audit.RefreshAsync(grounds.Key!, cancellationToken) ?? throw new UnauthenticatedException() };
        }

        throw new UnavailableException();
    }

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();

    private async Task<IReadOnlyList<Verdict>> WriteAsync(IReadOnlyList<Claimed> items)
    {
        await using var db = await _contexts.CreateDbContextAsync();
        var verdicts = new Verdict[items.Count];
        while (await WriteOrFindBrokenAsync(db, items, verdicts) is { } broken)
        {
            for (var at = 0; at < verdicts.Length; at++)
            {
                var (owners, key) = items[at].Grounds;
                verdicts[at] = new Verdict(
                    Receipt: null,
                    IsOutdated: verdicts[at].IsOutdated || owners.Any(broken.Owners.Contains),
                    IsKeyOutdated: verdicts[at].IsKeyOutdated || (key is not null && broken.Keys.Contains(ClaimOf(key))));
            }
        }

        return verdicts;
    }

    /// <summary>
    /// Writes the events of all items that nothing is known against, and gives them their receipts; or else says which of their claims do not hold, and
    /// nothing is written. Most of the time all do.
    /// </summary>
    private async Task<Claims?> WriteOrFindBrokenAsync(SecretsDbContext db, IReadOnlyList<Claimed> items, Verdict[] verdicts)
    {
        var (events, owners, keys) = (new List<AuditEvent>(items.Count), new HashSet<OwnerStamp>(), new HashSet<KeyClaim>());
        for (var at = 0; at < verdicts.Length; at++)
        {
            if (verdicts[at].IsRefused)
            {
                continue;
            }

            events.AddRange(items[at].Events);
            owners.UnionWith(items[at].Grounds.Owners);
            if (items[at].Grounds.Key is { } key)
            {
                keys.Add(ClaimOf(key));
            }
        }

        var claims = _audit.Claim(owners, keys);
        var entries = events.Count == 0 ? null : await AppendAsync(db, events, claims);
        if (entries is null && await _audit.FindBrokenAsync(db, claims) is { } broken)
        {
            return broken;
        }

        // If nothing was written and yet all is as claimed, it is the chain that does not end where it should: without claims, that is what is said.
        if (events.Count > 0)
        {
            GiveReceipts(items, entries ?? await AppendAsync(db, events, _audit.Claim([], [])) ?? throw new UnreachableException(), verdicts);
        }

        return null;
    }

    private static KeyClaim ClaimOf(CachedKey cached) => new(cached.Key.Id, cached.Key.UserId, cached.Version, cached.Stamp);

    private async Task<IReadOnlyList<AuditEntry>?> AppendAsync(SecretsDbContext db, List<AuditEvent> events, Claims claims)
    {
        var entries = await _writers.AppendAsync(db, events, (rows, commits) => _audit.AppendAsync(db, rows, claims, commits));
        if (entries is not null)
        {
            _uses.Count(entries);
        }

        return entries;
    }

    private static void GiveReceipts(IReadOnlyList<Claimed> items, IReadOnlyList<AuditEntry> entries, Verdict[] verdicts)
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

    private readonly record struct Claimed(IReadOnlyList<AuditEvent> Events, Grounds Grounds);

    private readonly record struct Verdict(AuditReceipt? Receipt, bool IsOutdated = false, bool IsKeyOutdated = false)
    {
        public bool IsRefused => IsOutdated || IsKeyOutdated;
    }
}
