using Secrets.Application.Common;

namespace Secrets.Application.ApiKeys;

/// <summary>Changes a user's keys in a transaction. All keys of the user are verified first, so that a forged row has no effect.</summary>
internal static class UserKeys
{
    /// <summary>The most users that the audit may name for one key. A key has one user, so all others are forged.</summary>
    private const int MaxAuditedUsers = 100;

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
        // The row is not trusted, not even its user, before all keys of that user are locked and verified. Several rows exist only after an attack.
        var stored = await db.ApiKeys.Where(key => key.Id == id).Select(key => key.UserId).ToListAsync(cancellationToken);
        if (stored is [var userId])
        {
            await lockKeys(userId, cancellationToken);
            if (await db.ApiKeys.VisibleTo(caller).Where(key => key.Id == id).ToListAsync(cancellationToken) is [var found] && found.UserId == userId)
            {
                return found;
            }
        }

        // The row may be removed, edited, or hidden from this query only. The audit names other users than the row only after an attack. So only an attacker can
        // cause a deadlock by locking more users here.
        var users = await db.AuditedUsersAsync(caller, id, cancellationToken);
        users.UnionWith(stored);
        await db.LockKeysAsync(users, cancellationToken);
        await db.RequireNoMissedKeyAsync(users, key => key.Id == id && caller.MayRevoke(key), cancellationToken);
        throw new NotFoundException();
    }

    /// <summary>
    /// The users of a key according to the audit, which may have forged rows beside the genuine ones. For an operator, all rows count. For others, only rows about
    /// the caller's own keys and about keys of organisations that the caller administers count.
    /// </summary>
    /// <exception cref="TamperedOwnerException">The audit names more than <see cref="MaxAuditedUsers"/>.</exception>
    public static async Task<HashSet<Guid>> AuditedUsersAsync(this ISecretsDb db, Caller caller, Guid id, CancellationToken cancellationToken)
    {
        var rows = db.Audit.Where(row => row.OwnerVersion != null && row.TargetKeyUserId != null && row.TargetKeyId == id);
        if (!caller.Has(Scopes.Operator))
        {
            var administered = caller.Administered.ToList();
            var userId = caller.UserId;
            rows = administered.Count == 0
                ? rows.Where(row => row.TargetKeyUserId == userId)
                : rows.Where(row => row.TargetKeyUserId == userId || (row.OwnerKind == OwnerKind.Organization && administered.Contains(row.OwnerId!)));
        }

        var users = await rows.Select(row => row.TargetKeyUserId!.Value).Distinct().OrderBy(user => user).Take(MaxAuditedUsers + 1).ToListAsync(cancellationToken);

        // A cut list could lack the genuine user.
        return users.Count <= MaxAuditedUsers ? [.. users] : throw new TamperedOwnerException();
    }
}
