using Secrets.Application.Common;
using Secrets.Application.Secrets;
using Secrets.Domain.Resolution;

namespace Secrets.Application.Resolution;

/// <summary>Explains what <see cref="ResolveSecrets"/> would do, without values.</summary>
/// <param name="UserId">See <see cref="IToolCallRequest.UserId"/>.</param>
/// <param name="ToolName">See <see cref="ToolCall.ToolName"/>.</param>
/// <param name="ToolArgs">See <see cref="ToolCall.Arguments"/>.</param>
/// <param name="References">See <see cref="ToolCall.References"/>.</param>
/// <param name="OrganizationId">See <see cref="IToolCallRequest.OrganizationId"/>.</param>
/// <param name="Workspace">See <see cref="ToolCall.Workspace"/>.</param>
[RequiresScope(Scopes.SecretsRead, Scopes.SecretsResolve)]
[AuditedAs(AuditAction.SecretExplain)]
public sealed record ExplainResolution(
    Optional<Guid?> UserId,
    string? ToolName,
    IReadOnlyList<string>? ToolArgs,
    IReadOnlyDictionary<string, string>? References,
    string? OrganizationId,
    string? Workspace) : IRequest<IReadOnlyList<Explanation>>, IToolCallRequest
{
    /// <inheritdoc />
    public string? User { get; init; }
}

internal sealed class ExplainResolutionValidator : AbstractValidator<ExplainResolution>
{
    public ExplainResolutionValidator() => this.ValidateToolCall();
}

internal sealed class ExplainResolutionHandler(IResolutionStore store, ToolCallAccess access)
    : IRequestHandler<ExplainResolution, IReadOnlyList<Explanation>>
{
    public async Task<IReadOnlyList<Explanation>> Handle(ExplainResolution request, CancellationToken cancellationToken)
    {
        var asked = await access.UserOfAsync(request, cancellationToken);
        var seesAll = SeesAllOf(request.OrganizationId);
        if (!seesAll && !access.Caller.IsIn(request.OrganizationId!, request.Workspace))
        {
            throw new ForbiddenException("The credential has no access to this workspace, or to any workspace of the organisation.");
        }

        var call = request.ToCall();
        var user = await ReadAllAsync(asked, call, cancellationToken);
        var organization = await ReadAllAsync(request.OrganizationOf(), call, cancellationToken);

        // Members must not learn names of secrets that their workspace may not use.
        return Explanation.ForCall(call, user, seesAll ? organization : organization.AdmittedTo(call.Workspace));
    }

    private async Task<OwnerCandidates> ReadAllAsync(SecretOwner? owner, ToolCall call, CancellationToken cancellationToken) =>
        owner is { } known ? await store.ReadAllAsync(known, call, cancellationToken) : OwnerCandidates.None;

    private bool SeesAllOf(string? organization) =>
        organization is null
        || (access.Caller.Has(Scopes.SecretsResolve) && !access.Caller.IsBoundToWorkspaces(organization))
        || access.Caller.Has(Scopes.Operator)
        || access.Caller.Administers(organization);
}
