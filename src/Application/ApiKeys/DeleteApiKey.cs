using MediatR;
using Secrets.Application.Audit;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;

namespace Secrets.Application.ApiKeys;

/// <summary>Revokes a key at once and for good.</summary>
[RequiresScope(Scopes.KeysManage)]
[AuditedAs(AuditAction.KeyDelete)]
public sealed record DeleteApiKey(Guid Id) : IRequest<Unit>, INamesOne
{
    Guid? INamesOne.AuditedKeyId => Id;
}

internal sealed class DeleteApiKeyHandler(ISecretsDb db, AuditTrail trail, Caller caller, TimeProvider time) : IRequestHandler<DeleteApiKey, Unit>
{
    public Task<Unit> Handle(DeleteApiKey request, CancellationToken cancellationToken) =>
        db.InTransactionAsync(
            async token =>
            {
                // Of two at the same moment the second finds none, and only the first says so in the audit.
                var key = await db.LockKeyAsync(caller, request.Id, token);
                key.Revoke(time.Now());
                db.Record(trail.Success(AuditAction.KeyDelete, key));
                return Unit.Value;
            },
            cancellationToken);
}
