using Secrets.Application.Audit;
using Secrets.Domain.ApiKeys;
using Secrets.Infrastructure.Batching;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Credentials.ApiKeys;

/// <summary>A key from the database.</summary>
/// <param name="Key">The key as it is stored now; null if its row is unreadable.</param>
/// <param name="Version">The version of the user's key account under which the key was verified.</param>
/// <param name="Fault">Why the key does not verify; null if it does. A revoked key verifies if its user's other keys do.</param>
internal sealed record FoundKey(ApiKey? Key, long Version, string? Fault = null)
{
    /// <summary>The stamp of the user's key account, read with the key.</summary>
    public long Stamp { get; init; }
}

/// <summary>
/// Reads API keys from the database, with one query for many requests, and verifies them. Keys are not cached here: a cached key would be accepted after
/// another replica revoked it. Only verifications are cached: which rows were verified in which version of a user's key account.
/// </summary>
internal sealed class ApiKeyLookup : IAsyncDisposable
{
    /// <summary>Precision of a key's last use.</summary>
    public static readonly TimeSpan LastUsedPrecision = TimeSpan.FromMinutes(1);

    // Each change of the user's keys during a look-up takes one more attempt.
    private const int MaxAttempts = 3;

    // Compiled, because many requests run it.
    private static readonly Func<SecretsDbContext, string[], IAsyncEnumerable<KeyWithAccount>> KeysWith = EF.CompileAsyncQuery(
        (SecretsDbContext db, string[] prefixes) =>
            from key in db.ApiKeys.AsNoTracking()
            where prefixes.Contains(key.Prefix)
            join account in db.KeyAccounts.AsNoTracking() on key.UserId equals account.UserId into accounts
            from account in accounts.DefaultIfEmpty()
            select new KeyWithAccount
            {
                Key = key,
                Account = account,

                // Repeats the filter of the index: SQL Server does not derive it from a comparison with another table.
                IsBehind = db.Audit.Any(row => row.TargetKeyUserId == key.UserId && row.TargetKeyUserId != null && row.OwnerVersion != null && row.OwnerVersion > account.Version),
            });

    private readonly IDbContextFactory<SecretsDbContext> _contexts;
    private readonly ApiKeyReader _reader;
    private readonly ApiKeySeals _seals;
    private readonly FailClosedReads _reads;
    private readonly VersionFloors<Guid> _seen;

    // About 300 bytes for a user with one key, in up to two generations.
    private readonly BoundedCache<Guid, VerifiedApiKeys> _verified = new(size: 20_000);
    private readonly Batcher<string, FoundKey?> _keys;
    private readonly Batcher<(Guid Id, DateTimeOffset Now), bool> _touches;

    public ApiKeyLookup(IDbContextFactory<SecretsDbContext> contexts, ApiKeyReader reader, ApiKeySeals seals, FailClosedReads reads, VersionFloors<Guid> seen)
    {
        (_contexts, _reader, _seals, _reads, _seen) = (contexts, reader, seals, reads, seen);
        _keys = new Batcher<string, FoundKey?>(BatchLimits.ForReads with { Name = "api_keys" }, ReadAsync);
        _touches = new Batcher<(Guid Id, DateTimeOffset Now), bool>(BatchLimits.ForReads with { Name = "api_key_uses" }, TouchAsync);
    }

    /// <summary>Reads the key with this prefix as it is stored now; null if there is none.</summary>
    public Task<FoundKey?> FindAsync(string prefix, CancellationToken cancellationToken) => _keys.AddAsync(prefix, cancellationToken);

    /// <summary>Notes the use of a key at most once a minute, so that a busy key does not cost a write per request.</summary>
    /// <returns>
    /// The age of the noted use, less than a minute; zero if another replica's clock is ahead. Null if the key is being changed, so that no use was noted.
    /// </returns>
    public async ValueTask<TimeSpan?> TouchAsync(ApiKey key, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (key.LastUsedAt is { } last && last > now - LastUsedPrecision)
        {
            return last < now ? now - last : TimeSpan.Zero;
        }

        return await _touches.AddAsync((key.Id, now), cancellationToken) ? TimeSpan.Zero : null;
    }

    public async ValueTask DisposeAsync()
    {
        await _keys.DisposeAsync();
        await _touches.DisposeAsync();
    }

    private async Task<IReadOnlyList<FoundKey?>> ReadAsync(IReadOnlyList<string> prefixes)
    {
        await using var db = await _contexts.CreateDbContextAsync();
        var asked = prefixes.Distinct(StringComparer.Ordinal).ToArray();
        var found = await TryReadAsync(db, asked);
        if (found is null)
        {
            // At least one row is unreadable: read each alone, so that the others are found.
            found = new Dictionary<string, FoundKey>(StringComparer.Ordinal);
            foreach (var prefix in asked)
            {
                foreach (var (each, key) in await TryReadAsync(db, [prefix]) ?? Unreadable(prefix))
                {
                    found[each] = key;
                }
            }
        }

        return [.. prefixes.Select(prefix => found.GetValueOrDefault(prefix))];
    }

    private static Dictionary<string, FoundKey> Unreadable(string prefix) =>
        new(StringComparer.Ordinal) { [prefix] = new FoundKey(Key: null, 0, "its row has a value that the service cannot have written") };

    /// <summary>Returns null if a row is unreadable.</summary>
    private async Task<Dictionary<string, FoundKey>?> TryReadAsync(SecretsDbContext db, string[] asked)
    {
        try
        {
            return await ReadAsync(db, asked);
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception))
        {
            return null;
        }
    }

    private async Task<Dictionary<string, FoundKey>> ReadAsync(SecretsDbContext db, string[] asked)
    {
        var found = new Dictionary<string, FoundKey>(StringComparer.Ordinal);
        for (var attempt = 1; asked.Length > 0; attempt++)
        {
            List<string> again = [];
            foreach (var row in await _reads.OrUnavailableAsync(db, () => KeysWith(db, asked).ToListAsync().AsTask()))
            {
                if (await VerifyAsync(db, row) is var verdict && verdict.Fault is not null && attempt < MaxAttempts)
                {
                    // The user's keys may have changed after this row was read.
                    again.Add(row.Key.Prefix);
                }
                else
                {
                    found[row.Key.Prefix] = verdict;
                }
            }

            asked = [.. again];
        }

        return found;
    }

    private async Task<FoundKey> VerifyAsync(SecretsDbContext db, KeyWithAccount row)
    {
        var known = row.Account is { } account && !row.IsBehind && IsLatest(account) && _verified.TryFind(row.Key.UserId, out var cached) && cached.IsOf(account) ? cached : null;
        if (known is null)
        {
            // Verify a revoked row too: an attacker may have marked a live key as revoked.
            (known, var fault) = await _reader.ReadAsync(db, row.Key.UserId);
            if (known is null)
            {
                return new FoundKey(row.Key, 0, fault);
            }

            _verified.Add(row.Key.UserId, known);
        }

        return known.Has(row.Key, _seals)
            ? new FoundKey(row.Key, known.Account.Version) { Stamp = row.Account?.Stamp ?? 0 }
            : new FoundKey(row.Key, 0, "its row is not among the user's keys as the service last wrote them");
    }

    /// <summary>Whether this process knows no later version of the account.</summary>
    private bool IsLatest(KeyAccountRow account) => !_seen.Find(account.UserId).IsRolledBack(account.Version, AccountSeals.NoncePrefixOf(account.Account));

    private async Task<IReadOnlyList<bool>> TouchAsync(IReadOnlyList<(Guid Id, DateTimeOffset Now)> keys)
    {
        await using var db = await _contexts.CreateDbContextAsync();
        var now = keys.Max(key => key.Now);
        var noted = await db.NoteUseAsync([.. keys.Select(key => key.Id).Distinct()], now, now - LastUsedPrecision);
        return [.. keys.Select(key => noted.Contains(key.Id))];
    }

    private sealed class KeyWithAccount
    {
        public required ApiKey Key { get; init; }

        public required KeyAccountRow? Account { get; init; }

        public required bool IsBehind { get; init; }
    }
}
