using Secrets.Application.Common;

namespace Secrets.Application.Secrets;

/// <summary>Deletes a secret permanently and frees its quota.</summary>
/// <param name="Secret">The secret.</param>
/// <param name="Condition">The versions that the caller expects; null: any.</param>
[RequiresScope(Scopes.SecretsWrite)]
[AuditedAs(AuditAction.SecretDelete)]
public sealed record DeleteSecret(SecretSelector Secret, VersionCondition? Condition) : IRequest<Unit>, INamesTarget, INamesOwner
{
    Guid? INamesTarget.AuditedSecretId => Secret.Id;

    OwnerSelector? INamesOwner.Owner => Secret.Owner;
}

internal sealed class DeleteSecretValidator : AbstractValidator<DeleteSecret>
{
    public DeleteSecretValidator() => RuleFor(request => request.Secret.Name).SecretName(request => request.Secret.LimitsOf);
}

internal sealed class DeleteSecretHandler(OwnerTransaction transaction) : IRequestHandler<DeleteSecret, Unit>
{
    public Task<Unit> Handle(DeleteSecret request, CancellationToken cancellationToken) =>
        transaction.RunAsync(
            request.Secret,
            secrets => secrets,
            (secret, _) =>
            {
                request.Condition?.Require(secret.Version);
                transaction.Db.Secrets.Remove(secret);
                transaction.Record(AuditAction.SecretDelete, secret);
                return Task.FromResult(Unit.Value);
            },
            cancellationToken);
}
