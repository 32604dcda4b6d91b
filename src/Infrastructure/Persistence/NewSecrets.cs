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
    // Where there was one conflict there may be more, and each costs its group the attempt.
    private const int CarefulFor = 16;

    private readonly IDbContextFactory<SecretsDbContext> _contexts;
    private readonly INewSecretStore _store;
    private readonly AuditWriters _audit;
    private readonly IDatabaseFaults _faults;
    private readonly Batcher<Audited, NewSecret?> _batcher;
    private int _careful;

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
            return await StoreAllAsync(db, items) ?? await StoreFittingAsync(db, items);
        }
        catch (Exception exception) when (exception is not UnavailableException && !_faults.IsUnavailable(exception) && items.Count > 1)
        {
            // One of them upset the database: each goes its own way, and only that one fails.
            return new NewSecret?[items.Count];
        }
    }

    /// <summary>Null, and nothing is stored, where not all can be.</summary>
    private async Task<IReadOnlyList<NewSecret?>?> StoreAllAsync(SecretsDbContext db, IReadOnlyList<Audited> items)
    {
        if (_store is not INewSecretsAtOnce atOnce)
        {
            return null;
        }

        // Groups at the same time may count one for two: it is only a habit.
        if (_careful > 0)
        {
            _careful--;
            return null;
        }

        IReadOnlyList<NewSecret> stored = [];
        await using var transaction = await db.Database.BeginTransactionAsync();
        if (await _audit.TryCommitAsync(db, [.. items.Select(item => item.Fact)], async rows =>
        {
            (var outcome, stored) = await atOnce.StoreAllAsync(db, [.. items.Select(item => item.Secret)], rows);
            return outcome;
        }))
        {
            return stored;
        }

        _careful = CarefulFor;
        return null;
    }

    private async Task<IReadOnlyList<NewSecret?>> StoreFittingAsync(SecretsDbContext db, IReadOnlyList<Audited> items)
    {
        await using var transaction = await db.Database.BeginTransactionAsync();
        var stored = await _store.StoreAsync(db, [.. items.Select(item => item.Secret)]);
        await _audit.CommitAsync(db, [.. items.Where((_, at) => stored[at] is not null).Select(item => item.Fact)], transaction);
        return stored;
    }

    private sealed record Audited(Secret Secret, AuditEvent Fact);
}
