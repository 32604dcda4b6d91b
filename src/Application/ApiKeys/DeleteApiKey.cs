using MediatR;
using Microsoft.EntityFrameworkCore;
using Secrets.Application.Audit;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;

namespace Secrets.Application.ApiKeys;

/// <summary>Revokes a key at once and for good.</summary>
/// <param name="Id">The key.</param>
/// <param name="Cascade">Whether all keys that were made with it are revoked too (<see cref="KeyLineage"/>).</param>
[RequiresScope(Scopes.KeysManage)]
[AuditedAs(AuditAction.KeyDelete)]
public sealed record DeleteApiKey(Guid Id, bool Cascade) : IRequest<int>, INamesOne
{
    Guid? INamesOne.AuditedKeyId => Id;
}

internal sealed class DeleteApiKeyHandler(ISecretsDb db, AuditTrail trail, Caller caller, TimeProvider time) : IRequestHandler<DeleteApiKey, int>
{
    private const int Attempts = 5;

    /// <summary>How many keys were revoked.</summary>
    public async Task<int> Handle(DeleteApiKey request, CancellationToken cancellationToken)
    {
        if (!request.Cascade)
        {
            return await db.InTransactionOfAsync(caller.Owner, token => RevokeOneAsync(request.Id, token), cancellationToken);
        }

        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            var users = (await KeyLineage.ReadAsync(db.ApiKeys.AsNoTracking(), request.Id, cancellationToken)).Select(key => key.UserId).ToHashSet();
            if (await db.InTransactionOfAsync(caller.Owner, token => RevokeAllAsync(request.Id, users, token), cancellationToken) is { } revoked)
            {
                return revoked;
            }
        }

        // Somebody makes keys faster than this. Who revokes the one key alone first stops that.
        throw new UnavailableException();
    }

    private async Task<int> RevokeOneAsync(Guid id, CancellationToken cancellationToken)
    {
        // Of two at the same moment the second finds none, and only the first says so in the audit.
        Revoke(await db.LockKeyAsync(caller, id, cancellationToken));
        return 1;
    }

    /// <summary>Null: keys of other users than those were made meanwhile, and nothing was revoked.</summary>
    private async Task<int?> RevokeAllAsync(Guid id, HashSet<Guid> users, CancellationToken cancellationToken)
    {
        // Every key in the lineage belongs to one of them, and makes no more from here on (ApiKeyPolicy.LockAsync).
        await db.LockKeysAsync(users, cancellationToken);
        var lineage = await KeyLineage.ReadAsync(db.ApiKeys, id, cancellationToken);

        // The first may have been revoked before, alone.
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
            throw new ForbiddenException("Among the keys that were made with it there are some that the caller may not revoke.");
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
