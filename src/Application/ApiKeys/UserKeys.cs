using Microsoft.EntityFrameworkCore;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;

namespace Secrets.Application.ApiKeys;

/// <summary>Changes of a user's keys, in a transaction. All of them are verified first, so that no forged row is acted on.</summary>
internal static class UserKeys
{
    /// <summary>Locks the keys of several users, in an order that is the same for everybody.</summary>
    /// <exception cref="TamperedOwnerException">The keys of one of them do not verify.</exception>
    public static async Task LockKeysAsync(this ISecretsDb db, IEnumerable<Guid> userIds, CancellationToken cancellationToken)
    {
        foreach (var userId in userIds.Distinct().Order())
        {
            await db.LockKeysAsync(userId, cancellationToken);
        }
    }

    /// <summary>Adds a key, when the keys of its user are locked.</summary>
    /// <exception cref="ConflictException">The user has as many as there may be.</exception>
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

    /// <summary>Locks the keys of the user to whom a key belongs, and gives the key, to be changed.</summary>
    /// <exception cref="NotFoundException">There is no such key for the caller.</exception>
    /// <exception cref="TamperedOwnerException">The user's keys do not verify.</exception>
    public static Task<ApiKey> LockKeyAsync(this ISecretsDb db, Caller caller, Guid id, CancellationToken cancellationToken) =>
        db.LockKeyAsync(caller, id, db.LockKeysAsync, cancellationToken);

    /// <summary>The same, with somebody's own way to lock the keys of the user.</summary>
    public static async Task<ApiKey> LockKeyAsync(
        this ISecretsDb db, Caller caller, Guid id, Func<Guid, CancellationToken, Task> lockKeys, CancellationToken cancellationToken)
    {
        // Whether it is revoked, and even whose it is, is believed only after all of the user's keys were verified.
        if (await db.ApiKeys.Where(key => key.Id == id).Select(key => (Guid?)key.UserId).SingleOrDefaultAsync(cancellationToken) is { } userId)
        {
            await lockKeys(userId, cancellationToken);
        }

        return await db.ApiKeys.VisibleTo(caller).SingleOrDefaultAsync(key => key.Id == id, cancellationToken) ?? throw new NotFoundException();
    }
}
