using AutoMapper;
using Microsoft.Extensions.Options;
using Secrets.Application.Common;
using Secrets.Domain.Text;

namespace Secrets.Application.Secrets;

/// <summary>Stores a new secret of the caller or, for its admins, of an organisation.</summary>
[RequiresScope(Scopes.SecretsWrite)]
[AuditedAs(AuditAction.SecretCreate)]
public sealed record CreateSecret(
    OwnerSelector Owner, string? SecretName, SecretValue? SecretValue, string? ToolName, string? ToolArg, bool IsDefaultForTool)
    : IRequest<SecretWithWarnings>, INamesOwner, IWorkspaceRequest
{
    /// <inheritdoc cref="Secret.Description" />
    public string? Description { get; init; }

    /// <inheritdoc />
    public string? AllowedWorkspacesType { get; init; }

    /// <inheritdoc />
    public IReadOnlyList<string>? AllowedWorkspaces { get; init; }

    internal ToolBinding Binding => new(ToolName, ToolArg, IsDefaultForTool);
}

internal sealed class CreateSecretValidator : AbstractValidator<CreateSecret>
{
    public CreateSecretValidator(IOptions<ValueOptions> values)
    {
        RuleFor(request => request.SecretName).Required();
        RuleFor(request => request.SecretName).SecretName(request => request.Owner.Kind);
        RuleFor(request => request.SecretValue).Required();
        RuleFor(request => request.SecretValue).Value(request => values.Value.LengthOf(request.Owner.Kind));
        RuleFor(request => request.Description).Text(Secret.DescriptionLength);
        RuleFor(request => request.ToolName).ExactName(ToolPattern.Length);
        RuleFor(request => request.ToolArg).ExactName(ToolBinding.ArgLength);
        RuleFor(request => request.IsDefaultForTool).Must((request, _) => request.Binding.IsValid)
            .WithErrorCode(Codes.BadValue).WithMessage(IncompleteDefault);
        this.ValidateWorkspaces();
    }

    /// <summary>Error text for a default without a binding, in creates and updates.</summary>
    public const string IncompleteDefault = "A default needs tool_name and tool_arg.";
}

internal sealed class CreateSecretHandler(SecretCreation creation, Caller caller, TimeProvider time, IMapper mapper) : IRequestHandler<CreateSecret, SecretWithWarnings>
{
    public async Task<SecretWithWarnings> Handle(CreateSecret request, CancellationToken cancellationToken)
    {
        var owner = caller.OwnerOf(request.Owner);
        caller.RequireWriter(owner);
        RequireExact(owner);
        var workspaces = request.WorkspacesAfter(WorkspaceAccess.All);
        var secret = Secret.Create(
            owner, request.SecretName!, request.Description ?? "", request.Binding, workspaces, caller.UserId, time.Now());
        var overlapCandidates = await creation.StoreAsync(secret, request.SecretValue!, cancellationToken);
        if (overlapCandidates.Count > 0)
        {
            // Requests of one group continue one after the other on one thread. The comparison must not delay the others.
            await Task.Yield();
        }

        return new SecretWithWarnings(mapper.Map<SecretDetails>(secret), OverlapAdvice.Compare(secret, overlapCandidates));
    }

    // The id comes from a token, so no validator has seen it.
    private static void RequireExact(SecretOwner owner)
    {
        if (owner.Kind == OwnerKind.Organization && !ExactText.IsClean(owner.Id))
        {
            throw new InvalidRequestException("OrganizationId", Codes.BadValue, Rules.InexactText, "query");
        }
    }
}
