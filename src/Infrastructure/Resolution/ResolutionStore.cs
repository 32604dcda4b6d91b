using Secrets.Application.Audit;
using Secrets.Application.Resolution;
using Secrets.Domain.Resolution;
using Secrets.Infrastructure.Batching;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Resolution;

/// <summary>
/// Finds the candidates for a tool call in the cache, or reads and verifies whole owners, many in one query. An answer from a cached owner is valid only if the
/// owner is still current (docs/decisions/0018-resolve-remembers-and-confirms.md).
/// </summary>
internal sealed class ResolutionStore : IResolutionStore, IAsyncDisposable
{
    private readonly IDbContextFactory<SecretsDbContext> _contexts;
    private readonly OwnerReader _reader;
    private readonly OwnerCache _cache;
    private readonly Batcher<SecretOwner, CachedOwner?> _owners;

    public ResolutionStore(IDbContextFactory<SecretsDbContext> contexts, OwnerReader reader, OwnerCache cache)
    {
        (_contexts, _reader, _cache) = (contexts, reader, cache);
        _owners = new Batcher<SecretOwner, CachedOwner?>(BatchLimits.ForReads with { Name = "owners" }, ReadAsync);
    }

    public async ValueTask<FoundCandidates> FindAsync(SecretOwner owner, ToolCall call, bool mayUseCache, CancellationToken cancellationToken)
    {
        if (mayUseCache && _cache.Find(owner) is { } cached)
        {
            return new FoundCandidates(PackedSecrets.Find(cached.Packed, owner, call), new OwnerStamp(owner, cached.Stamp, cached.Version));
        }

        return new FoundCandidates(PackedSecrets.Find(await ReadAsync(owner, cancellationToken), owner, call), Precondition: null);
    }

    public async Task<OwnerCandidates> ReadAllAsync(SecretOwner owner, ToolCall call, CancellationToken cancellationToken) =>
        new(PackedSecrets.ReadAll(await ReadAsync(owner, cancellationToken), owner));

    public ValueTask DisposeAsync() => _owners.DisposeAsync();

    private async Task<byte[]> ReadAsync(SecretOwner owner, CancellationToken cancellationToken) =>
        (await _owners.AddAsync(owner, cancellationToken) ?? throw new TamperedOwnerException()).Packed;

    private async Task<IReadOnlyList<CachedOwner?>> ReadAsync(IReadOnlyList<SecretOwner> owners)
    {
        var distinct = owners.Distinct().ToList();
        await using var db = await _contexts.CreateDbContextAsync();
        var read = await _reader.ReadAsync(db, distinct);
        var cached = new Dictionary<SecretOwner, CachedOwner?>();
        for (var at = 0; at < distinct.Count; at++)
        {
            cached[distinct[at]] = read[at] is { } verified ? Pack(distinct[at], verified) : null;
        }

        return [.. owners.Select(owner => cached[owner])];
    }

    private CachedOwner Pack(SecretOwner owner, VerifiedOwner verified)
    {
        var packed = PackedSecrets.Pack([.. verified.Secrets.Select(secret => secret.ToCandidate())]);
        var cached = new CachedOwner(verified.Stamp, verified.Account.Version, packed);
        _cache.Add(owner, cached);
        return cached;
    }
}
