using AutoMapper;
using Secrets.Application.Audit;
using Secrets.Application.Common;
using Scope = Secrets.Domain.ApiKeys.Scopes;

namespace Secrets.Application.ApiKeys;

/// <summary>Makes an API key. The answer contains the key; it is not shown again.</summary>
/// <param name="Name">The key's name.</param>
/// <param name="Scopes">Names of scopes, a subset of the creator's scopes.</param>
/// <param name="UserId">The user whom the key acts for; null: the creator.</param>
/// <param name="OrganizationId">The organisation of the key; null: none.</param>
/// <param name="Role"><c>admin</c> or <c>member</c> of that organisation; null: member.</param>
/// <param name="Workspaces">Workspaces of that organisation. Must be empty for an admin, who belongs to every workspace.</param>
/// <param name="ExpiresAt">The expiry; null: never.</param>
[RequiresScope(Scope.KeysManage)]
[AuditedAs(AuditAction.KeyCreate)]
public sealed record CreateApiKey(
    string? Name,
    IReadOnlyList<string>? Scopes,
    Guid? UserId,
    string? OrganizationId,
    string? Role,
    IReadOnlyList<string>? Workspaces,
    DateTimeOffset? ExpiresAt) : IRequest<CreatedApiKey>
{
    /// <summary>The user's name in place of <see cref="UserId"/>; null: not given.</summary>
    public string? User { get; init; }
}

/// <summary>A new key with its text, which is not stored.</summary>
/// <param name="Details">The stored part.</param>
/// <param name="Key">The text.</param>
/// <param name="Replaces">The key that this one replaces; null: none.</param>
public sealed record CreatedApiKey(ApiKeyDetails Details, string Key, Guid? Replaces = null)
{
    /// <inheritdoc />
    public override string ToString() => Details.Prefix;
}

internal sealed class CreateApiKeyValidator : AbstractValidator<CreateApiKey>
{
    public CreateApiKeyValidator(TimeProvider time)
    {
        RuleFor(request => request.Name).Required();
        RuleFor(request => request.Name).Name(ApiKey.NameLength);
        RuleFor(request => request.Scopes).Required();
        RuleFor(request => request.Scopes).Must(scopes => scopes is null || (scopes.Count > 0 && scopes.Count <= ScopeNames.All.Count))
            .WithErrorCode(Codes.BadValue).WithMessage($"Must name 1 to {ScopeNames.All.Count} scopes.");
        RuleForEach(request => request.Scopes).Must(name => ScopeNames.Parse(name) is not null)
            .When(request => request.Scopes?.Count <= ScopeNames.All.Count)
            .WithErrorCode(Codes.BadValue).WithMessage($"Must be one of {string.Join(", ", ScopeNames.All)}.");
        RuleFor(request => request.User).UserName();
        RuleFor(request => request.User).Null().When(request => request.UserId is not null)
            .WithErrorCode(Codes.BadValue).WithMessage(UserReference.Both);
        RuleFor(request => request.OrganizationId).Null().When(request => request.Scopes?.Contains(ScopeNames.For(Scope.UsersAct)[0], StringComparer.Ordinal) == true)
            .WithErrorCode(Codes.BadValue).WithMessage("Must be left out: a key with users:act cannot belong to an organisation.");
        RuleFor(request => request.OrganizationId).ExactName(Membership.OrganizationIdLength);
        RuleFor(request => request.Role).Must(role => role is null || RoleNames.Parse(role) is not null)
            .WithErrorCode(Codes.BadValue).WithMessage("Must be admin or member.");
        RuleFor(request => request.Workspaces).Names(Membership.WorkspaceLength, Membership.MaxWorkspaces);
        RuleFor(request => request.OrganizationId)
            .Must((request, id) => id is not null || (request.Role is null && request.Workspaces is not { Count: > 0 }))
            .WithErrorCode(Codes.BadValue).WithMessage("Is needed with role or workspaces.");
        RuleFor(request => request.Workspaces)
            .Must((request, workspaces) => workspaces is not { Count: > 0 } || request.Role is null || RoleNames.Parse(request.Role) != OrganizationRole.Admin)
            .WithErrorCode(Codes.BadValue).WithMessage("Must be left out for an admin, who has access to every workspace. To limit the key, make it a member.");
        RuleFor(request => request.ExpiresAt).InTheFuture(time);
    }
}

internal sealed class CreateApiKeyHandler(ISecretsDb db, ApiKeyPolicy maker, AuditTrail trail, TimeProvider time, IMapper mapper)
    : IRequestHandler<CreateApiKey, CreatedApiKey>
{
    public async Task<CreatedApiKey> Handle(CreateApiKey request, CancellationToken cancellationToken)
    {
        var scopes = request.Scopes!.Aggregate(Scopes.None, (all, name) => all | ScopeNames.Parse(name)!.Value);
        var userId = await maker.UserOfAsync(request.UserId, request.User, cancellationToken);
        maker.RequireAllowed(scopes, userId, request.OrganizationId);
        var now = time.Now();
        var text = ApiKeyText.Generate();
        var key = await db.InOwnerTransactionAsync(
            maker.Caller.Owner,
            async token =>
            {
                await maker.LockAsync(userId, token);
                await maker.RequireNoOperatorAsync(scopes, userId, request.User is null ? UserReference.UserId : UserReference.User, token);
                var made = new ApiKey(Guid.CreateVersion7(now), request.Name!, text, scopes, userId, MembershipOf(request), maker.Caller.UserId, now)
                {
                    ExpiresAt = maker.EndOf(request.ExpiresAt),
                    CreatedByKey = maker.MadeBy,
                };
                await db.AddKeyAsync(made, now, token);
                db.Record(trail.Success(AuditAction.KeyCreate, made));
                return made;
            },
            cancellationToken);
        return new CreatedApiKey(mapper.Map<ApiKeyDetails>(key), text);
    }

    private static Membership? MembershipOf(CreateApiKey request) => request.OrganizationId is { } id
        ? new Membership(
            id,
            request.Role is null ? OrganizationRole.Member : RoleNames.Parse(request.Role)!.Value,
            [.. (request.Workspaces ?? []).Distinct(StringComparer.Ordinal)])
        : null;
}
