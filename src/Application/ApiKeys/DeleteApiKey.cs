using MediatR;
using Microsoft.EntityFrameworkCore;
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
                var keys = db.ApiKeys.VisibleTo(caller).Where(key => key.Id == request.Id);
                var key = await keys.AsNoTracking().SingleOrDefaultAsync(token) ?? throw new NotFoundException();

                // Of two at the same moment one revokes it, and only that one says so in the audit.
                var now = time.Now();
                if (await keys.ExecuteUpdateAsync(set => set.SetProperty(row => row.RevokedAt, now), token) == 0)
                {
                    throw new NotFoundException();
                }

                db.Record(trail.Success(AuditAction.KeyDelete, key));
                return Unit.Value;
            },
            cancellationToken);
}
