using FluentValidation;
using MediatR;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Secrets;

/// <summary>Says what <see cref="ResolveSecrets"/> would do and why, without any value.</summary>
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
    string? Workspace) : IRequest<IReadOnlyList<Explanation>>, IToolCallRequest;

internal sealed class ExplainResolutionValidator : AbstractValidator<ExplainResolution>
{
    public ExplainResolutionValidator() => this.ValidateToolCall();
}

internal sealed class ExplainResolutionHandler(IResolutionStore store, Caller caller)
    : IRequestHandler<ExplainResolution, IReadOnlyList<Explanation>>
{
    public async Task<IReadOnlyList<Explanation>> Handle(ExplainResolution request, CancellationToken cancellationToken)
    {
        caller.RequireAllowed(request);
        var seesAll = SeesAllOf(request.OrganizationId);
        if (!seesAll && !caller.IsIn(request.OrganizationId!, request.Workspace))
        {
            throw new ForbiddenException("The credential is not for this workspace, or for none of the organisation.");
        }

        var call = request.ToCall();
        var user = await ReadAllAsync(request.UserOf(caller), call, cancellationToken);
        var organization = await ReadAllAsync(request.OrganizationOf(), call, cancellationToken);

        // That the organisation has more, and what it is called, is not for its members to know.
        return Explanation.Of(call, user, seesAll ? organization : organization.AdmittedTo(call.Workspace));
    }

    private async Task<OwnerCandidates> ReadAllAsync(SecretOwner? owner, ToolCall call, CancellationToken cancellationToken) =>
        owner is { } known ? await store.ReadAllAsync(known, call, cancellationToken) : OwnerCandidates.None;

    private bool SeesAllOf(string? organization) =>
        organization is null
        || (caller.Has(Scopes.SecretsResolve) && !caller.IsBoundToWorkspaces(organization))
        || caller.Has(Scopes.Operator)
        || caller.Administers(organization);
}
