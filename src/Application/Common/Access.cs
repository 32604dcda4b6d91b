namespace Secrets.Application.Common;

/// <summary>The caller: a user, and the scopes and organisations of the credential.</summary>
/// <param name="UserId">The user whom the credential acts for.</param>
/// <param name="Scopes">The credential's scopes.</param>
/// <param name="Memberships">The credential's organisations, with role and workspaces.</param>
/// <param name="Credential">The credential, for the audit.</param>
public sealed record Caller(Guid UserId, Scopes Scopes, IReadOnlyList<Membership> Memberships, Credential Credential)
{
    /// <summary>
    /// The caller's key if it came from the cache; else null. The key may have been revoked since: confirm it before any answer leaves
    /// (<see cref="ConfirmsCallerAttribute"/>).
    /// </summary>
    public CachedKey? CachedKey { get; init; }

    /// <summary>The user that the request names (scope <c>users:act</c>); null otherwise.</summary>
    public Guid? NamedUser { get; private init; }

    /// <summary>The owner of the secrets if a request names no organisation.</summary>
    public SecretOwner Owner => SecretOwner.User(NamedUser ?? UserId);

    /// <summary>The organisations that the caller is an admin of.</summary>
    public IEnumerable<string> Administered => Memberships
        .Where(membership => membership.Role == OrganizationRole.Admin)
        .Select(membership => membership.OrganizationId);

    /// <summary>Whether the credential has all of these scopes.</summary>
    public bool Has(Scopes scopes) => (Scopes & scopes) == scopes;

    /// <summary>The caller's membership in an organisation; null: none.</summary>
    public Membership? MembershipOf(string organizationId) => Memberships.FirstOrDefault(
        membership => string.Equals(membership.OrganizationId, organizationId, StringComparison.Ordinal));

    /// <summary>Whether the owner is an organisation that the caller is an admin of.</summary>
    public bool Administers(SecretOwner owner) => owner.Kind == OwnerKind.Organization && Administers(owner.Id);

    /// <summary>
    /// The same credential, acting for a user: the caller can access only that user's secrets. <c>AuthorizationBehaviour</c> decides whether this is allowed.
    /// </summary>
    public Caller ActingFor(Guid userId) => this with { NamedUser = userId, Memberships = [] };

    /// <summary>
    /// Combines two credentials of one principal: the scopes, roles and workspaces that both have. Null if the user or the organisations differ,
    /// that is, the principals.
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

/// <summary>The scope that a request needs. The pipeline throws for a request without this attribute, so that a forgotten attribute allows nothing.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class RequiresScopeAttribute(params Scopes[] anyOf) : Attribute
{
    /// <summary>The alternatives. The caller needs all scopes of one of them.</summary>
    public IReadOnlyList<Scopes> AnyOf => anyOf;

    /// <summary>Whether the caller may send the request.</summary>
    public bool IsMetBy(Caller caller) => Array.Exists(anyOf, caller.Has);
}

/// <summary>The handler confirms the caller's cached key while it stores the audit rows. For other requests with a cached key, the pipeline throws.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ConfirmsCallerAttribute : Attribute;

/// <summary>The action that the audit records if the request is refused. Handlers record successes themselves. The pipeline throws for a request without this attribute, so that every refusal is audited.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class AuditedAsAttribute(AuditAction action) : Attribute
{
    /// <summary>The action.</summary>
    public AuditAction Action => action;
}

/// <summary>A request for one object by id. If the object does not exist for the caller, the audit records a refusal.</summary>
public interface INamesTarget
{
    /// <summary>The id of the requested secret; null: no secret.</summary>
    Guid? AuditedSecretId => null;

    /// <summary>The id of the requested API key; null: no API key.</summary>
    Guid? AuditedKeyId => null;
}

/// <summary>The origin of a request.</summary>
/// <param name="Address">The client's address.</param>
/// <param name="RequestId">The request's id, as in the log.</param>
/// <param name="ClientRequestId">The caller's own id of the request.</param>
public sealed record RequestOrigin(string? Address, string? RequestId, string? ClientRequestId);

/// <summary>A cached key, with the version and stamp of its user's keys when it was verified.</summary>
public sealed record CachedKey(ApiKey Key, long Version, long Stamp);
