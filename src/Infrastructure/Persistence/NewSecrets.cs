using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Batching;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Group commit of new secrets: those that arrive while one transaction is under way share the next.</summary>
internal sealed class NewSecrets : INewSecrets, IAsyncDisposable
{
    private readonly IDbContextFactory<SecretsDbContext> _contexts;
    private readonly INewSecretStore _store;
    private readonly AuditWriters _audit;
    private readonly IDatabaseFaults _faults;
    private readonly Batcher<Audited, NewSecret?> _batcher;

    public NewSecrets(
        IDbContextFactory<SecretsDbContext> contexts, INewSecretStore store, AuditWriters audit, IDatabaseFaults faults, IOptions<GroupCommitOptions> options)
    {
        _contexts = contexts;
        _store = store;
        _audit = audit;
        _faults = faults;
        _batcher = new Batcher<Audited, NewSecret?>(options.Value.ToLimits(), StoreAsync);
    }

    // What is granted to single workspaces is rows of a second table, and rare: the ordinary way has them.
    public Task<NewSecret?> TryStoreAsync(Secret secret, AuditEvent fact, CancellationToken cancellationToken) =>
        secret.Grants.Count > 0 ? Task.FromResult<NewSecret?>(null) : _batcher.AddAsync(new Audited(secret, fact), cancellationToken);

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();

    private async Task<IReadOnlyList<NewSecret?>> StoreAsync(IReadOnlyList<Audited> items)
    {
        await using var db = await _contexts.CreateDbContextAsync();
        try
        {
            await using var transaction = await db.Database.BeginTransactionAsync();
            var stored = await _store.StoreAsync(db, [.. items.Select(item => item.Secret)]);
            await _audit.CommitAsync(db, [.. items.Where((_, at) => stored[at] is not null).Select(item => item.Fact)], transaction);
            return stored;
        }
        catch (Exception exception) when (exception is not UnavailableException && !_faults.IsUnavailable(exception) && items.Count > 1)
        {
            // One of them upset the database: each goes its own way, and only that one fails.
            return new NewSecret?[items.Count];
        }
    }

    private sealed record Audited(Secret Secret, AuditEvent Fact);
}
