using MediatR;
using Microsoft.EntityFrameworkCore;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;

namespace Secrets.Application.Secrets;

/// <summary>Removes a secret for good and gives its bytes back.</summary>
/// <param name="SecretId">The secret.</param>
/// <param name="Condition">The versions that the sender expects; null: whichever is there.</param>
[RequiresScope(Scopes.SecretsWrite)]
[AuditedAs(AuditAction.SecretDelete)]
public sealed record DeleteSecret(Guid SecretId, VersionCondition? Condition) : IRequest<Unit>, INamesOne
{
    Guid? INamesOne.AuditedSecretId => SecretId;
}

internal sealed class DeleteSecretHandler(OwnerTransaction transaction, Caller caller) : IRequestHandler<DeleteSecret, Unit>
{
    public Task<Unit> Handle(DeleteSecret request, CancellationToken cancellationToken) =>
        transaction.RunAsync(
            async token =>
            {
                await transaction.ChargeAsync(caller.Owner, 0, token);
                var secret = await transaction.Db.Secrets.VisibleTo(caller)
                    .SingleOrDefaultAsync(secret => secret.Id == request.SecretId, token)
                    ?? throw new NotFoundException();
                request.Condition?.Require(secret.Version);
                transaction.Db.Secrets.Remove(secret);
                transaction.Record(AuditAction.SecretDelete, secret);
                await transaction.ChargeAsync(secret.Owner, -secret.Size, token);
                return Unit.Value;
            },
            cancellationToken);
}
