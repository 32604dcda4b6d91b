using AutoMapper;
using FluentValidation;
using MediatR;
using Microsoft.EntityFrameworkCore;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Secrets;

/// <summary>
/// Changes some of a secret. A field left out stays as it is. Null clears <paramref name="ToolName"/> and <paramref name="ToolArg"/>;
/// the others have no empty state, so null leaves them as they are too.
/// </summary>
/// <param name="SecretId">The secret.</param>
/// <param name="SecretName">A new name.</param>
/// <param name="SecretValue">A new value.</param>
/// <param name="ToolName">A new tool or pattern.</param>
/// <param name="ToolArg">A new argument.</param>
/// <param name="IsDefaultForTool">Whether it is the default from now on.</param>
/// <param name="Condition">The versions that the sender expects; null: whichever is there.</param>
[RequiresScope(Scopes.SecretsWrite)]
[AuditedAs(AuditAction.SecretUpdate)]
public sealed record UpdateSecret(
    Guid SecretId,
    Optional<string> SecretName,
    Optional<SecretValue> SecretValue,
    Optional<string> ToolName,
    Optional<string> ToolArg,
    Optional<bool?> IsDefaultForTool,
    VersionCondition? Condition) : IRequest<StoredSecret>, INamesOne
{
    Guid? INamesOne.AuditedSecretId => SecretId;

    /// <summary>A value given is an update, equal or not; a null is one where it clears something.</summary>
    internal bool Changes(Secret secret) =>
        SecretName.Value is not null
        || SecretValue.Value is not null
        || IsDefaultForTool.Value is not null
        || ToolName.Value is not null
        || ToolArg.Value is not null
        || (ToolName.IsGiven && secret.ToolName is not null)
        || (ToolArg.IsGiven && secret.ToolArg is not null);

    internal ToolBinding BindingAfter(Secret secret) => new(
        ToolName.Else(secret.ToolName), ToolArg.Else(secret.ToolArg), IsDefaultForTool.Value ?? secret.IsDefaultForTool);
}

internal sealed class UpdateSecretValidator : AbstractValidator<UpdateSecret>
{
    public UpdateSecretValidator()
    {
        RuleFor(request => request.SecretName).Name(Secret.NameLength);
        RuleFor(request => request.SecretValue).Value(SecretValue.Length);
        RuleFor(request => request.ToolName).Name(ToolPattern.Length);
        RuleFor(request => request.ToolArg).Name(ToolBinding.ArgLength);
    }
}

internal sealed class UpdateSecretHandler(
    OwnerTransaction transaction, ISealer sealer, Caller caller, TimeProvider time, IMapper mapper)
    : IRequestHandler<UpdateSecret, StoredSecret>
{
    public async Task<StoredSecret> Handle(UpdateSecret request, CancellationToken cancellationToken)
    {
        var (secret, rivals) = await transaction.RunAsync(token => UpdateAsync(request, token), cancellationToken);
        return new StoredSecret(mapper.Map<SecretDetails>(secret), OverlapAdvice.Compare(secret, rivals));
    }

    private async Task<(Secret Secret, IReadOnlyList<Rival> Rivals)> UpdateAsync(UpdateSecret request, CancellationToken cancellationToken)
    {
        // The owner is locked before the secret is read: what is read is what is changed.
        await transaction.ChargeAsync(caller.Owner, 0, cancellationToken);
        var secret = await transaction.Db.Secrets.VisibleTo(caller)
            .Include(secret => secret.Use)
            .SingleOrDefaultAsync(secret => secret.Id == request.SecretId, cancellationToken)
            ?? throw new NotFoundException();
        request.Condition?.Require(secret.Version);
        if (!request.Changes(secret))
        {
            transaction.Record(AuditAction.SecretUpdate, secret);
            return (secret, []);
        }

        var binding = request.BindingAfter(secret);
        if (!binding.IsValid)
        {
            throw new InvalidRequestException(
                nameof(UpdateSecret.IsDefaultForTool), Codes.BadValue, CreateSecretValidator.IncompleteDefault);
        }

        // Opened even when a new value replaces it: sealing anew would otherwise bless a row that was tampered with.
        var stored = await sealer.OpenAsync(secret.Placement, secret.Envelope, cancellationToken);
        var value = request.SecretValue.Value ?? stored;
        var sizeBefore = secret.Size;
        secret.Update(request.SecretName.Value ?? secret.Name, binding, caller.UserId, time.Now());
        secret.Seal(value, await sealer.SealAsync(secret.Placement, value, cancellationToken));
        transaction.Record(AuditAction.SecretUpdate, secret);
        if (secret.Size != sizeBefore)
        {
            await transaction.ChargeAsync(secret.Owner, secret.Size - sizeBefore, cancellationToken);
        }

        return (secret, await transaction.Db.Secrets.RivalsOfAsync(secret, cancellationToken));
    }
}
