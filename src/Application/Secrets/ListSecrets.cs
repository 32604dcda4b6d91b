using System.Linq.Expressions;
using AutoMapper;
using AutoMapper.QueryableExtensions;
using Secrets.Application.Common;

namespace Secrets.Application.Secrets;

/// <summary>Lists an owner's secrets, oldest first.</summary>
/// <param name="Owner">The owner.</param>
/// <param name="Limit">See <see cref="IPaged.Limit"/>.</param>
/// <param name="Cursor">See <see cref="IPaged.Cursor"/>.</param>
/// <param name="ToolName">Only secrets whose pattern matches this tool; unbound secrets are left out.</param>
/// <param name="SecretName">Only the secret of this name.</param>
/// <param name="Workspace">Only secrets that this workspace may use.</param>
[RequiresScope(Scopes.SecretsRead)]
[AuditedAs(AuditAction.SecretList)]
public sealed record ListSecrets(
    OwnerSelector Owner, int? Limit, string? Cursor, string? ToolName, string? SecretName, string? Workspace)
    : IRequest<Page<SecretDetails>>, IPaged, INamesOwner;

internal sealed class ListSecretsValidator : AbstractValidator<ListSecrets>
{
    public ListSecretsValidator()
    {
        this.ValidatePage();
        RuleFor(request => request.ToolName).Name(ToolPattern.Length);
        RuleFor(request => request.SecretName).Name(Secret.NameLength);
        RuleFor(request => request.Workspace).Name(Membership.WorkspaceLength);
    }
}

internal sealed class ListSecretsHandler(ISecretsDb db, Caller caller, IMapper mapper)
    : IRequestHandler<ListSecrets, Page<SecretDetails>>
{
    public Task<Page<SecretDetails>> Handle(ListSecrets request, CancellationToken cancellationToken)
    {
        var owner = caller.OwnerOf(request.Owner);
        caller.RequireReader(owner, request.Workspace);
        var secrets = db.Secrets.VisibleTo(caller).OwnedBy(owner);
        if (request.Workspace is { } workspace)
        {
            secrets = secrets.UsableIn(workspace);
        }

        if (request.SecretName is { } name)
        {
            secrets = secrets.Named(name);
        }

        if (request.ToolName is not null)
        {
            secrets = secrets.Where(secret => secret.ToolName != null);
        }

        var ordered = secrets.InOrder(request);
        return (request.ToolName is null ? ordered.TakePage(request) : ordered)
            .ProjectTo(mapper.ConfigurationProvider, ExpansionFor(owner))
            .AsAsyncEnumerable()
            .Where(secret => Admits(secret, request.ToolName))
            .ToPageAsync(request, cancellationToken);
    }

    private static Expression<Func<SecretDetails, object>>[] ExpansionFor(SecretOwner owner) =>
        owner.Kind == OwnerKind.Organization ? [details => details.Workspaces] : [];

    // LIKE is wrong here: `_` is a wildcard in it, and case rules depend on the database.
    private static bool Admits(SecretDetails secret, string? toolName) =>
        toolName is null || new ToolPattern(secret.ToolName!).Matches(toolName);
}
