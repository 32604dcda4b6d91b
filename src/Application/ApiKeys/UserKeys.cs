using Secrets.Application.Common;

namespace Secrets.Application.ApiKeys;

/// <summary>Changes a user's keys in a transaction. All keys of the user are verified first, so that a forged row has no effect.</summary>
internal static class UserKeys
{
    /// <summary>Locks the keys of several users, always in the same order, to avoid deadlocks.</summary>
    /// <exception cref="TamperedOwnerException">The keys of one of them do not verify.</exception>
    public static async Task LockKeysAsync(this ISecretsDb db, IEnumerable<Guid> userIds, CancellationToken cancellationToken)
    {
        foreach (var userId in userIds.Distinct().Order())
        {
            await db.LockKeysAsync(userId, cancellationToken);
        }
    }

    /// <summary>Adds a key. The keys of its user must be locked.</summary>
    /// <exception cref="ConflictException">The user has the maximum number of keys.</exception>
    public static async Task AddKeyAsync(this ISecretsDb db, ApiKey key, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var longAgo = now - ApiKey.KeptAfterEnd;
        foreach (var ended in await db.ApiKeys.Where(other => other.UserId == key.UserId && other.RevokedAt == null && other.ExpiresAt < longAgo).ToListAsync(cancellationToken))
        {
            ended.Revoke(now);
        }

        var live = await db.ApiKeys.CountAsync(other => other.UserId == key.UserId && other.RevokedAt == null && !(other.ExpiresAt < longAgo), cancellationToken);
        if (live >= ApiKey.MaxPerUser)
        {
            throw new ConflictException($"A user can have {ApiKey.MaxPerUser} API keys. Revoke some first.");
        }

        db.ApiKeys.Add(key);
    }

    /// <summary>Locks the keys of a key's user and returns the key for a change.</summary>
    /// <exception cref="NotFoundException">The key does not exist for the caller.</exception>
    /// <exception cref="TamperedOwnerException">The user's keys do not verify.</exception>
    public static Task<ApiKey> LockKeyAsync(this ISecretsDb db, Caller caller, Guid id, CancellationToken cancellationToken) =>
        db.LockKeyAsync(caller, id, db.LockKeysAsync, cancellationToken);

    /// <summary>The same with a custom lock, such as <see cref="ApiKeyPolicy.LockAsync"/>.</summary>
    public static async Task<ApiKey> LockKeyAsync(
        this ISecretsDb db, Caller caller, Guid id, Func<Guid, CancellationToken, Task> lockKeys, CancellationToken cancellationToken)
    {
        // The row is not trusted, not even its user, before all keys of that user are locked and verified.
        var stored = await db.ApiKeys.Where(key => key.Id == id).Select(key => (Guid?)key.UserId).SingleOrDefaultAsync(cancellationToken);
        if (stored is { } userId)
        {
            await lockKeys(userId, cancellationToken);
        }

        var key = await db.ApiKeys.VisibleTo(caller).SingleOrDefaultAsync(key => key.Id == id, cancellationToken);
        if (key is null && await db.AuditedUserAsync(caller, id, cancellationToken) is { } audited && audited != stored)
        {
            // The row of a key of this user is missing, or names another user. It was changed outside the service, unless the key was revoked long ago.
            await lockKeys(audited, cancellationToken);
        }

        return key ?? throw new NotFoundException();
    }

    /// <summary>The user of a key according to the audit; null: the audit has no such key, or the caller may see only their own.</summary>
    public static Task<Guid?> AuditedUserAsync(this ISecretsDb db, Caller caller, Guid id, CancellationToken cancellationToken)
    {
        var rows = db.Audit.Where(row => row.OwnerVersion != null && row.TargetKeyUserId != null && row.TargetKeyId == id);
        return (caller.Has(Scopes.Operator) ? rows : rows.Where(row => row.TargetKeyUserId == caller.UserId))
            .Select(row => row.TargetKeyUserId).FirstOrDefaultAsync(cancellationToken);
    }
}
