using AutoMapper;
using FluentValidation;
using MediatR;
using Secrets.Application.Audit;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Scope = Secrets.Domain.ApiKeys.Scopes;

namespace Secrets.Application.ApiKeys;

/// <summary>Makes an API key. The key itself is in the answer, once.</summary>
/// <param name="Name">What to call it.</param>
/// <param name="Scopes">Names of scopes, a subset of the creator's.</param>
/// <param name="UserId">Whom it acts for; null: the creator.</param>
/// <param name="OrganizationId">An organisation to bind it to.</param>
/// <param name="Role"><c>admin</c> or <c>member</c> of that organisation; null: member.</param>
/// <param name="Workspaces">Workspaces of that organisation it is a member of; none for an admin, who is of every one.</param>
/// <param name="ExpiresAt">When it stops working; null: never.</param>
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
    /// <summary>The name of the user whom it acts for, in place of the id; null: none is given.</summary>
    public string? User { get; init; }
}

/// <summary>The new key: what is kept of it, and its text, which is not.</summary>
/// <param name="Details">What is kept.</param>
/// <param name="Key">The text.</param>
/// <param name="Replaces">The key whose place it takes, if any.</param>
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
            .WithErrorCode(Codes.BadValue).WithMessage("Must be left out: a key that acts for users is for no organisation.");
        RuleFor(request => request.OrganizationId).ExactName(Membership.OrganizationIdLength);
        RuleFor(request => request.Role).Must(role => role is null || RoleNames.Parse(role) is not null)
            .WithErrorCode(Codes.BadValue).WithMessage("Must be admin or member.");
        RuleFor(request => request.Workspaces).Names(Membership.WorkspaceLength, Membership.MaxWorkspaces);
        RuleFor(request => request.OrganizationId)
            .Must((request, id) => id is not null || (request.Role is null && request.Workspaces is not { Count: > 0 }))
            .WithErrorCode(Codes.BadValue).WithMessage("Is needed with role or workspaces.");
        RuleFor(request => request.Workspaces)
            .Must((request, workspaces) => workspaces is not { Count: > 0 } || request.Role is null || RoleNames.Parse(request.Role) != OrganizationRole.Admin)
            .WithErrorCode(Codes.BadValue).WithMessage("Must be left out for an admin, whom no workspace limits. Make a member's key to limit it.");
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
        var key = await db.InTransactionOfAsync(
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
