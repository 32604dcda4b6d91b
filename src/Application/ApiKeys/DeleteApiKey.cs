using Secrets.Application.Audit;
using Secrets.Application.Common;

namespace Secrets.Application.ApiKeys;

/// <summary>Revokes a key permanently, effective immediately.</summary>
/// <param name="Id">The key.</param>
/// <param name="Cascade">Whether to revoke all keys that were made with the key too (<see cref="KeyLineage"/>).</param>
[RequiresScope(Scopes.KeysManage)]
[AuditedAs(AuditAction.KeyDelete)]
public sealed record DeleteApiKey(Guid Id, bool Cascade) : IRequest<int>, INamesTarget
{
    Guid? INamesTarget.AuditedKeyId => Id;
}

internal sealed class DeleteApiKeyHandler(ISecretsDb db, AuditTrail trail, Caller caller, TimeProvider time) : IRequestHandler<DeleteApiKey, int>
{
    private const int Attempts = 5;

    /// <summary>Returns the number of revoked keys.</summary>
    public async Task<int> Handle(DeleteApiKey request, CancellationToken cancellationToken)
    {
        if (!request.Cascade)
        {
            return await db.InOwnerTransactionAsync(caller.Owner, token => RevokeOneAsync(request.Id, token), cancellationToken);
        }

        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            var users = await KeyLineage.UsersAsync(db, caller, request.Id, cancellationToken);
            if (await db.InOwnerTransactionAsync(caller.Owner, token => RevokeAllAsync(request.Id, users, token), cancellationToken) is { } revoked)
            {
                return revoked;
            }
        }

        // Somebody keeps making keys during each attempt. Revoking the key without its lineage first stops that.
        throw new UnavailableException();
    }

    private async Task<int> RevokeOneAsync(Guid id, CancellationToken cancellationToken)
    {
        // Of two concurrent requests, the second finds no key, so the audit has one row.
        Revoke(await db.LockKeyAsync(caller, id, cancellationToken));
        return 1;
    }

    /// <summary>Null: keys of other users joined the lineage meanwhile, so nothing was revoked.</summary>
    private async Task<int?> RevokeAllAsync(Guid id, HashSet<Guid> users, CancellationToken cancellationToken)
    {
        // Keys of locked users cannot make further keys from here on (ApiKeyPolicy.LockAsync).
        await db.LockKeysAsync(users, cancellationToken);
        var lineage = await KeyLineage.ReadAsync(db.ApiKeys, id, cancellationToken);

        // An attacker may have removed a row between its verification and this read, or shown it as revoked.
        await db.RequireNoMissedKeyAsync(users, key => KeyLineage.Lacks(lineage, id, key), cancellationToken);

        // The named key itself may be revoked already, without its lineage.
        if (!lineage.Any(key => key.Id == id && caller.MayRevoke(key)))
        {
            throw new NotFoundException();
        }

        var live = lineage.Where(key => key.RevokedAt is null).ToList();
        if (!live.TrueForAll(key => users.Contains(key.UserId)))
        {
            return null;
        }

        if (!live.TrueForAll(caller.MayRevoke))
        {
            throw new ForbiddenException("The caller may not revoke some of the keys that were made with this key.");
        }

        live.ForEach(Revoke);
        return live.Count;
    }

    private void Revoke(ApiKey key)
    {
        key.Revoke(time.Now());
        db.Record(trail.Success(AuditAction.KeyDelete, key));
    }
}
