using Microsoft.Extensions.Options;
using Secrets.Application.Audit;
using Secrets.Application.Common;

namespace Secrets.Application.Secrets;

/// <summary>
/// One write to an owner's secrets. Every write locks the owner first (<see cref="ISecretsDb.LockAsync"/>), so writes of one owner run one after the other: the
/// quota is exact, and writes of one owner cannot deadlock.
/// </summary>
internal sealed class OwnerTransaction(ISecretsDb db, AuditTrail trail, Caller caller, IOptions<QuotaOptions> quota)
{
    public ISecretsDb Db => db;

    /// <summary>Stores a new secret.</summary>
    /// <param name="secret">The secret.</param>
    /// <param name="seal">Seals it under the owner's lock, with the data key that is current then.</param>
    /// <param name="cancellationToken">Cancels the transaction.</param>
    /// <returns>The owner's other defaults that the secret may overlap with.</returns>
    /// <exception cref="ConflictException">A unique rule prevents it.</exception>
    /// <exception cref="QuotaExceededException">The owner's bytes or secrets would exceed the quota.</exception>
    public Task<IReadOnlyList<OverlapCandidate>> AddAsync(Secret secret, Func<CancellationToken, Task> seal, CancellationToken cancellationToken) => RunAsync(
        secret.Owner,
        async token =>
        {
            await LockAndRequireQuotaAsync(secret.Owner, new OwnerUse(secret.Size, Secrets: 1), token);
            await seal(token);
            db.Secrets.Add(secret);
            Record(AuditAction.SecretCreate, secret);
            return await db.Secrets.FindOverlapCandidatesAsync(secret, token);
        },
        cancellationToken);

    /// <summary>
    /// Changes a secret that the caller may change. The work runs under the owner's lock, so nobody changes the secret between its read and its write. A violated
    /// unique rule becomes a <see cref="ConflictException"/>.
    /// </summary>
    /// <param name="selector">The secret.</param>
    /// <param name="include">Adds related rows to the query for the secret.</param>
    /// <param name="work">Changes the secret.</param>
    /// <param name="cancellationToken">Cancels the transaction.</param>
    /// <exception cref="NotFoundException">The secret does not exist for the caller.</exception>
    /// <exception cref="ForbiddenException">The caller may not change it.</exception>
    /// <exception cref="TamperedOwnerException">The owner's rows do not verify, or the secret's row was hidden from a query.</exception>
    public async Task<T> RunAsync<T>(
        SecretSelector selector,
        Func<IQueryable<Secret>, IQueryable<Secret>> include,
        Func<Secret, CancellationToken, Task<T>> work,
        CancellationToken cancellationToken)
    {
        try
        {
            // Resolved before the transaction: a request that waits for the owner's turn holds no connection.
            var owner = selector.Owner is { } named ? caller.OwnerOf(named) : await OwnerOfAsync(selector, cancellationToken);
            caller.RequireWriter(owner);
            return await RunAsync(owner, async token => await work(await LockAndReadAsync(owner, selector, include, token), token), cancellationToken);
        }
        catch (NotFoundException) when (selector.Id is not null && caller.Memberships.Count > 0)
        {
            // The look-up of the owner trusts the secret's row. An attacker may have removed the row, or shown the look-up no owner or another one.
            foreach (var owner in caller.WritableOwners())
            {
                await db.RequireNoSecretAsync(owner, selector.Id, selector.Name, cancellationToken);
            }

            throw;
        }
    }

    /// <summary>Reads a secret that the caller may change, without a lock and untracked.</summary>
    /// <exception cref="NotFoundException">The secret does not exist for the caller.</exception>
    /// <exception cref="ForbiddenException">The caller may not change it.</exception>
    public async Task<Secret> FindAsync(SecretSelector selector, CancellationToken cancellationToken)
    {
        var secrets = db.Secrets.AsNoTracking().VisibleTo(caller).Selected(selector);
        if (selector.Owner is { } named)
        {
            var owner = caller.OwnerOf(named);
            caller.RequireWriter(owner);
            secrets = secrets.OwnedBy(owner);
        }

        var secret = await secrets.Include(secret => secret.Use).SingleOrDefaultAsync(cancellationToken) ?? throw new NotFoundException();
        caller.RequireWriter(secret.Owner);
        return secret;
    }

    /// <summary>Locks the owner until the end of the transaction, and checks that an increase fits the quota.</summary>
    /// <exception cref="QuotaExceededException">The owner's bytes or secrets would exceed the quota.</exception>
    /// <exception cref="TamperedOwnerException">The owner's rows do not verify.</exception>
    public async Task LockAndRequireQuotaAsync(SecretOwner owner, OwnerUse increase, CancellationToken cancellationToken)
    {
        var use = await db.LockAsync(owner, cancellationToken);

        // Only an increase is checked: after the quota was lowered, an owner above it can still change and delete secrets.
        if (increase.Bytes > 0 && use.Bytes + increase.Bytes > quota.Value.BytesPerOwner)
        {
            QuotaMetrics.RefusedBytes();
            throw QuotaExceededException.OfBytes(quota.Value.BytesPerOwner);
        }

        if (increase.Secrets > 0 && use.Secrets + increase.Secrets > quota.Value.SecretsPerOwner)
        {
            QuotaMetrics.RefusedSecrets();
            throw QuotaExceededException.OfSecrets(quota.Value.SecretsPerOwner);
        }
    }

    /// <summary>Adds an audit event about a secret to this transaction.</summary>
    public void Record(AuditAction action, Secret secret) => db.Record(trail.Success(action, secret));

    private async Task<Secret> LockAndReadAsync(
        SecretOwner owner, SecretSelector selector, Func<IQueryable<Secret>, IQueryable<Secret>> include, CancellationToken cancellationToken)
    {
        await LockAndRequireQuotaAsync(owner, default, cancellationToken);
        if (await include(db.Secrets.VisibleTo(caller).OwnedBy(owner).Selected(selector)).SingleOrDefaultAsync(cancellationToken) is { } secret)
        {
            await db.RequireVerifiedAsync(secret);
            return secret;
        }

        await db.RequireNoSecretAsync(owner, selector.Id, selector.Name, cancellationToken);
        throw new NotFoundException();
    }

    private async Task<T> RunAsync<T>(SecretOwner owner, Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await db.InOwnerTransactionAsync(owner, work, cancellationToken);
        }
        catch (UniqueViolationException violation) when (violation.Entity is Secret refused && violation.Rule != UniqueRule.Other)
        {
            throw await ExplainAsync(violation.Rule, refused, cancellationToken);
        }
    }

    // A secret never changes its owner, so the look-up needs no lock. A caller without memberships sees the secrets of one owner only.
    private async Task<SecretOwner> OwnerOfAsync(SecretSelector selector, CancellationToken cancellationToken) =>
        caller.Memberships.Count == 0
            ? caller.Owner
            : await db.Secrets.VisibleTo(caller).Selected(selector)
                .Select(secret => (SecretOwner?)new SecretOwner(secret.OwnerKind, secret.OwnerId))
                .SingleOrDefaultAsync(cancellationToken)
                ?? throw new NotFoundException();

    private async Task<ConflictException> ExplainAsync(UniqueRule rule, Secret refused, CancellationToken cancellationToken)
    {
        if (rule == UniqueRule.SecretName)
        {
            return new ConflictException("A secret with this name exists already.");
        }

        var holder = await db.Secrets.OwnedBy(refused.Owner)
            .Where(secret => secret.ToolKey == refused.ToolKey && secret.ArgKey == refused.ArgKey)
            .Select(secret => (Guid?)secret.Id)
            .FirstOrDefaultAsync(cancellationToken);
        return new ConflictException(holder is null
            ? "Another secret was the default for this tool and argument until just now. Try again."
            : $"The secret {holder} is the default for this tool and argument already.");
    }
}
