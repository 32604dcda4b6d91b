using AutoMapper;
using FluentValidation;
using MediatR;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Secrets;

/// <summary>Stores a new secret of the caller.</summary>
[RequiresScope(Scopes.SecretsWrite)]
[AuditedAs(AuditAction.SecretCreate)]
public sealed record CreateSecret(
    string? SecretName, SecretValue? SecretValue, string? ToolName, string? ToolArg, bool IsDefaultForTool) : IRequest<StoredSecret>
{
    internal ToolBinding Binding => new(ToolName, ToolArg, IsDefaultForTool);
}

internal sealed class CreateSecretValidator : AbstractValidator<CreateSecret>
{
    public CreateSecretValidator()
    {
        RuleFor(request => request.SecretName).Required();
        RuleFor(request => request.SecretName).Name(Secret.NameLength);
        RuleFor(request => request.SecretValue).Required();
        RuleFor(request => request.SecretValue).Value(SecretValue.Length);
        RuleFor(request => request.ToolName).Name(ToolPattern.Length);
        RuleFor(request => request.ToolArg).Name(ToolBinding.ArgLength);
        RuleFor(request => request.IsDefaultForTool).Must((request, _) => request.Binding.IsValid)
            .WithErrorCode(Codes.BadValue).WithMessage(IncompleteDefault);
    }

    /// <summary>Why a default without a binding is refused; also said when an update would leave one.</summary>
    public const string IncompleteDefault = "A default needs tool_name and tool_arg.";
}

internal sealed class CreateSecretHandler(
    OwnerTransaction transaction, ISealer sealer, Caller caller, TimeProvider time, IMapper mapper)
    : IRequestHandler<CreateSecret, StoredSecret>
{
    public async Task<StoredSecret> Handle(CreateSecret request, CancellationToken cancellationToken)
    {
        var secret = Secret.Create(
            caller.Owner, request.SecretName!, request.Binding, WorkspaceRule.All, caller.UserId, time.Now());
        secret.Seal(request.SecretValue!, await sealer.SealAsync(secret.Placement, request.SecretValue!, cancellationToken));
        var rivals = await transaction.AddAsync(secret, cancellationToken);
        return new StoredSecret(mapper.Map<SecretDetails>(secret), OverlapAdvice.Compare(secret, rivals));
    }
}
