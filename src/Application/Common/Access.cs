using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Common;

/// <summary>Who is asking: a user, what the credential may do, and the organisations it belongs to.</summary>
/// <param name="UserId">The user that the credential acts for.</param>
/// <param name="Scopes">What the credential may do.</param>
/// <param name="Memberships">Organisations with role and workspaces.</param>
/// <param name="Credential">The credential, for the audit.</param>
public sealed record Caller(Guid UserId, Scopes Scopes, IReadOnlyList<Membership> Memberships, Credential Credential)
{
    /// <summary>
    /// The key, where it was remembered and not looked up for this request: it may have been revoked since. Nothing that depends on it may leave
    /// before it is confirmed (<see cref="ConfirmsCallerAttribute"/>).
    /// </summary>
    public CachedKey? CachedKey { get; init; }

    /// <summary>The user whom the request names in place of the caller's own (<see cref="For"/>); null: none.</summary>
    public Guid? ActsFor { get; private init; }

    /// <summary>The user whose secrets are meant where no organisation is named, as an owner.</summary>
    public SecretOwner Owner => SecretOwner.User(ActsFor ?? UserId);

    /// <summary>The organisations that the caller is an admin of.</summary>
    public IEnumerable<string> Administered => Memberships
        .Where(membership => membership.Role == OrganizationRole.Admin)
        .Select(membership => membership.OrganizationId);

    /// <summary>Whether the credential has all of these scopes.</summary>
    public bool Has(Scopes scopes) => (Scopes & scopes) == scopes;

    /// <summary>What the caller is in that organisation; null: nothing.</summary>
    public Membership? MembershipOf(string organizationId) => Memberships.FirstOrDefault(
        membership => string.Equals(membership.OrganizationId, organizationId, StringComparison.Ordinal));

    /// <summary>Whether the owner is an organisation that the caller is an admin of.</summary>
    public bool Administers(SecretOwner owner) => owner.Kind == OwnerKind.Organization && Administers(owner.Id);

    /// <summary>
    /// The same credential, acting for a user: that user's secrets exist for it, and nobody else's. Whether it may is decided by the pipeline
    /// (<c>ActingBehaviour</c>).
    /// </summary>
    public Caller For(Guid userId) => this with { ActsFor = userId, Memberships = [] };

    /// <summary>
    /// What two credentials of one principal allow together: in scopes, roles and workspaces no more than each. Null: they stand for different
    /// principals, which are a user and the organisations that the credential is for.
    /// </summary>
    public Caller? And(Caller other)
    {
        if (UserId != other.UserId || Memberships.Count != other.Memberships.Count)
        {
            return null;
        }

        var shared = new List<Membership>();
        foreach (var membership in Memberships)
        {
            if (other.MembershipOf(membership.OrganizationId) is not { } theirs)
            {
                return null;
            }

            shared.Add(membership.And(theirs));
        }

        return this with { Scopes = Scopes & other.Scopes, Memberships = shared, Credential = Credential.And(other.Credential) };
    }

    /// <summary>Whether the caller is an admin of that organisation.</summary>
    public bool Administers(string organizationId) => Administered.Contains(organizationId, StringComparer.Ordinal);
}

/// <summary>
/// The scope that a request needs. The pipeline refuses a request that carries no such attribute, so that nothing is
/// allowed by forgetting.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class RequiresScopeAttribute(params Scopes[] anyOf) : Attribute
{
    /// <summary>One of these is needed, with all that is in it.</summary>
    public IReadOnlyList<Scopes> AnyOf => anyOf;

    /// <summary>Whether the caller may send the request.</summary>
    public bool IsMetBy(Caller caller) => Array.Exists(anyOf, caller.Has);
}

/// <summary>
/// The request's handler confirms the caller's key in the same step that makes its answer durable. The pipeline refuses a remembered key for
/// any other request.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ConfirmsCallerAttribute : Attribute;

/// <summary>
/// What a request is called in the audit. The pipeline refuses a request that carries no such attribute, so that no refusal goes
/// unrecorded by forgetting.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class AuditedAsAttribute(AuditAction action) : Attribute
{
    /// <summary>The request's name.</summary>
    public AuditAction Action => action;
}

/// <summary>A request about one thing by its id. That there is no such thing for the caller is recorded as a refusal.</summary>
public interface INamesOne
{
    /// <summary>The secret that is asked for, if it is one.</summary>
    Guid? AuditedSecretId => null;

    /// <summary>The API key that is asked for, if it is one.</summary>
    Guid? AuditedKeyId => null;
}

/// <summary>Where a request came from, as far as the surface that took it knows.</summary>
/// <param name="Address">The address of the other end of the connection.</param>
/// <param name="RequestId">The request's id, as the log has it.</param>
/// <param name="ClientRequestId">The id that the caller gave to the request.</param>
public sealed record RequestOrigin(string? Address, string? RequestId, string? ClientRequestId);
