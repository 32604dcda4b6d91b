using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Secrets.Application.Common;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Batching;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Resolution;

/// <summary>
/// Finds what may fill tool calls: in memory, where it has to be confirmed later, or in the database, for many calls in one query
/// (docs/decisions/0018-resolve-remembers-and-confirms.md).
/// </summary>
internal sealed class ResolutionStore : IResolutionStore, IAsyncDisposable
{
    private readonly IDbContextFactory<SecretsDbContext> _contexts;
    private readonly IServiceScopeFactory _scopes;
    private readonly ICandidateReader _reader;
    private readonly RememberedOwners _remembered;
    private readonly Batcher<CandidateQuestion, OwnerCandidates> _questions;
    private readonly Batcher<SecretOwner, RememberedOwner>? _owners;

    public ResolutionStore(
        IDbContextFactory<SecretsDbContext> contexts, IServiceScopeFactory scopes, ICandidateReader reader, RememberedOwners remembered,
        IConfirmations? confirmations = null)
    {
        _contexts = contexts;
        _scopes = scopes;
        _reader = reader;
        _remembered = remembered;
        _questions = new Batcher<CandidateQuestion, OwnerCandidates>(BatchLimits.OfReads, ReadAsync);
        if (confirmations is not null && remembered.HasMemory)
        {
            _owners = new Batcher<SecretOwner, RememberedOwner>(BatchLimits.OfReads, owners => ReadAsync(confirmations, owners));
        }
    }

    public async ValueTask<FoundCandidates> FindAsync(SecretOwner owner, ToolCall call, bool mayRemember, CancellationToken cancellationToken)
    {
        if (_owners is not null)
        {
            if (mayRemember && _remembered.Find(owner) is { } known)
            {
                if (known.Packed is not null)
                {
                    return new FoundCandidates(PackedSecrets.Find(known.Packed, owner, call), new OwnerStamp(owner, known.Stamp));
                }
            }
            else if (await _owners.AddAsync(owner, cancellationToken) is { Packed: { } packed })
            {
                return new FoundCandidates(PackedSecrets.Find(packed, owner, call), Remembered: null);
            }
        }

        return new FoundCandidates(await _questions.AddAsync(new CandidateQuestion(owner, call), cancellationToken), Remembered: null);
    }

    public async Task<OwnerCandidates> ReadAllAsync(SecretOwner owner, ToolCall call, CancellationToken cancellationToken)
    {
        var (kind, id) = owner;
        var names = call.References.Values.Distinct(StringComparer.Ordinal).Select(Secret.KeyOf).ToList();
        await using var scope = _scopes.CreateAsyncScope();
        var rows = await scope.ServiceProvider.GetRequiredService<SecretsDbContext>().Secrets.AsNoTracking()
            .Where(secret => secret.OwnerKind == kind && secret.OwnerId == id)
            .Where(secret => secret.ToolKey != null || names.Contains(secret.NameKey))
            .ToListAsync(cancellationToken);
        return new OwnerCandidates(rows.Select(secret => new Candidate(secret.Placement, secret.Envelope)));
    }

    public async ValueTask DisposeAsync()
    {
        await _questions.DisposeAsync();
        if (_owners is not null)
        {
            await _owners.DisposeAsync();
        }
    }

    private async Task<IReadOnlyList<OwnerCandidates>> ReadAsync(IReadOnlyList<CandidateQuestion> questions)
    {
        await using var db = await _contexts.CreateDbContextAsync();
        return await _reader.ReadAsync(db, questions);
    }

    private async Task<IReadOnlyList<RememberedOwner>> ReadAsync(IConfirmations confirmations, IReadOnlyList<SecretOwner> owners)
    {
        var distinct = owners.Distinct().ToList();
        await using var db = await _contexts.CreateDbContextAsync();
        var read = await confirmations.ReadAsync(db, distinct);
        var remembered = new Dictionary<SecretOwner, RememberedOwner>();
        for (var at = 0; at < distinct.Count; at++)
        {
            var owner = new RememberedOwner(read[at].Stamp, read[at].Secrets is { } secrets ? PackedSecrets.Pack(secrets) : null);
            _remembered.Remember(distinct[at], owner);
            remembered.Add(distinct[at], owner);
        }

        return [.. owners.Select(owner => remembered[owner])];
    }
}
