using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Secrets.Application.Common;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Batching;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Resolution;

/// <summary>
/// Reads what may fill tool calls from the database, for many calls in one query (docs/decisions/0008-resolve-reads-the-database.md). Nothing is kept, so nothing
/// can be old, and memory does not grow with what is stored.
/// </summary>
internal sealed class ResolutionStore : IResolutionStore, IAsyncDisposable
{
    private readonly IDbContextFactory<SecretsDbContext> _contexts;
    private readonly IServiceScopeFactory _scopes;
    private readonly ICandidateReader _reader;
    private readonly Batcher<CandidateQuestion, OwnerCandidates> _batcher;

    public ResolutionStore(IDbContextFactory<SecretsDbContext> contexts, IServiceScopeFactory scopes, ICandidateReader reader)
    {
        _contexts = contexts;
        _scopes = scopes;
        _reader = reader;
        _batcher = new Batcher<CandidateQuestion, OwnerCandidates>(BatchLimits.OfReads, ReadAsync);
    }

    public Task<OwnerCandidates> ReadAsync(SecretOwner owner, ToolCall call, CancellationToken cancellationToken) =>
        _batcher.AddAsync(new CandidateQuestion(owner, call), cancellationToken);

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

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();

    private async Task<IReadOnlyList<OwnerCandidates>> ReadAsync(IReadOnlyList<CandidateQuestion> questions)
    {
        await using var db = await _contexts.CreateDbContextAsync();
        return await _reader.ReadAsync(db, questions);
    }
}
