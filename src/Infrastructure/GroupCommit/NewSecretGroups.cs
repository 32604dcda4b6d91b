using Secrets.Application.Secrets;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Batching;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.GroupCommit;

/// <summary>Group commit of new secrets: secrets that arrive during one transaction share the next.</summary>
internal sealed class NewSecretGroups : INewSecrets, IAsyncDisposable
{
    // After a conflict, this many groups do not try the statement that stores all in one round trip. Conflicts come in series, and each refused attempt costs a
    // round trip.
    private const int SkippedAttempts = 16;

    private readonly IDbContextFactory<SecretsDbContext> _contexts;
    private readonly INewSecretStore _store;
    private readonly AuditWriters _audit;
    private readonly NewSecretAccounts _accounts;
    private readonly Batcher<SecretWithEvent, NewSecret?> _batcher;
    private int _attemptsToSkip;

    public NewSecretGroups(
        IDbContextFactory<SecretsDbContext> contexts, INewSecretStore store, AuditWriters audit, NewSecretAccounts accounts, IOptions<GroupCommitOptions> options)
    {
        (_contexts, _store, _audit, _accounts) = (contexts, store, audit, accounts);
        _batcher = new Batcher<SecretWithEvent, NewSecret?>(options.Value.ToLimits("new_secrets"), StoreAsync);
    }

    // Workspace grants need a second table and are rare, so such secrets are stored individually.
    public Task<NewSecret?> TryStoreAsync(Secret secret, AuditEvent auditEvent, CancellationToken cancellationToken) =>
        secret.Grants.Count > 0 ? Task.FromResult<NewSecret?>(null) : _batcher.AddAsync(new SecretWithEvent(secret, auditEvent), cancellationToken);

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();

    private async Task<IReadOnlyList<NewSecret?>> StoreAsync(IReadOnlyList<SecretWithEvent> items)
    {
        using var turn = await _accounts.TakeTurnAsync(items.Select(item => item.Secret.Owner));
        await using var db = await _contexts.CreateDbContextAsync();
        try
        {
            return await StoreAllAsync(db, items) ?? await StoreFittingAsync(db, items);
        }
        catch (Exception exception) when (exception is not UnavailableException && !db.Faults.IsUnavailable(exception) && items.Count > 1)
        {
            // One secret made the whole group fail. Null for every secret: the callers store each on its own, and only the faulty one fails.
            return new NewSecret?[items.Count];
        }
    }

    /// <summary>
    /// Stores all secrets that fit their owner's quota, in one round trip. Returns null and stores nothing if the database has no such statement, attempts are
    /// skipped, an account is not cached or is stale, or there is a conflict.
    /// </summary>
    private async Task<IReadOnlyList<NewSecret?>?> StoreAllAsync(SecretsDbContext db, IReadOnlyList<SecretWithEvent> items)
    {
        if (_store is not INewSecretsAtOnce atOnce)
        {
            return null;
        }

        // Not atomic: concurrent groups may miscount, and the count is only a heuristic.
        if (_attemptsToSkip > 0)
        {
            _attemptsToSkip--;
            return null;
        }

        List<AccountChange> accounts = [];
        List<SecretWithEvent> fitting = [];
        foreach (var (owner, own) in ByOwner(items))
        {
            if (_accounts.Find(owner) is not { } known)
            {
                return null;
            }

            // Secrets that do not fit are stored individually, where the reason is reported. One owner's full quota must not slow down the group.
            var fittingOfOwner = _accounts.Fitting(known.Account, own, item => item.Secret);
            if (fittingOfOwner.Count > 0)
            {
                fitting.AddRange(fittingOfOwner);
                accounts.Add(_accounts.ChangeOf(owner, known, fittingOfOwner.ConvertAll(item => item.Secret)));
            }
        }

        if (fitting.Count == 0)
        {
            return new NewSecret?[items.Count];
        }

        IReadOnlyList<NewSecret> stored = [];
        await using var transaction = await db.Database.BeginTransactionAsync();
        if (await _audit.TryCommitAsync(db, EventsOf(fitting, accounts), async rows =>
        {
            (var outcome, stored) = await atOnce.StoreAllAsync(db, fitting.ConvertAll(item => item.Secret), accounts, rows);
            return outcome;
        }))
        {
            accounts.ForEach(_accounts.Note);
            return InOrderOf(items, fitting, stored);
        }

        _attemptsToSkip = SkippedAttempts;
        accounts.ForEach(_accounts.Forget);
        return null;
    }

    /// <summary>Locks the accounts, stores the secrets that fit, and updates the accounts.</summary>
    private async Task<IReadOnlyList<NewSecret?>> StoreFittingAsync(SecretsDbContext db, IReadOnlyList<SecretWithEvent> items)
    {
        await using var transaction = await db.Database.BeginTransactionAsync();
        var owners = ByOwner(items).ToList();
        var locked = await _store.LockAsync(db, [.. owners.Select(group => group.Owner)]);
        var accounts = new Dictionary<SecretOwner, CachedAccount>();
        List<SecretWithEvent> fitting = [];
        for (var at = 0; at < owners.Count; at++)
        {
            // If the account does not verify, each secret is stored individually, and that path reports the fault.
            var (owner, own) = owners[at];
            if (_accounts.Open(owner, locked[at]) is { } account)
            {
                accounts.Add(owner, account);
                fitting.AddRange(_accounts.Fitting(account.Account, own, item => item.Secret));
            }
        }

        var stored = fitting.Count == 0 ? [] : await _store.StoreAsync(db, fitting.ConvertAll(item => item.Secret));
        var done = fitting.Where((_, at) => stored[at] is not null).ToList();
        if (done.Count == 0)
        {
            return new NewSecret?[items.Count];
        }

        var moves = ByOwner(done).Select(group => _accounts.ChangeOf(group.Owner, accounts[group.Owner], group.Items.ConvertAll(item => item.Secret))).ToList();
        await _store.UpdateAccountsAsync(db, moves);
        await _audit.CommitAsync(db, EventsOf(done, moves), transaction);
        moves.ForEach(_accounts.Note);
        return InOrderOf(items, fitting, stored);
    }

    private static IReadOnlyList<NewSecret?> InOrderOf(IReadOnlyList<SecretWithEvent> items, List<SecretWithEvent> fitting, IReadOnlyList<NewSecret?> stored)
    {
        var byId = fitting.Zip(stored).ToDictionary(pair => pair.First.Secret.Id, pair => pair.Second);
        return [.. items.Select(item => byId.GetValueOrDefault(item.Secret.Id))];
    }

    private static IEnumerable<(SecretOwner Owner, List<SecretWithEvent> Items)> ByOwner(IEnumerable<SecretWithEvent> items) => items
        .GroupBy(item => item.Secret.Owner, (owner, own) => (Owner: owner, Items: own.ToList()))
        .InLockOrder(group => group.Owner);

    private static List<AuditEvent> EventsOf(IReadOnlyList<SecretWithEvent> items, List<AccountChange> accounts)
    {
        var versions = accounts.ToDictionary(move => move.Owner, move => move.After.Account.Version);
        return [.. items.Select(item => item.Event with { OwnerVersion = versions[item.Secret.Owner] })];
    }

    private sealed record SecretWithEvent(Secret Secret, AuditEvent Event);
}
