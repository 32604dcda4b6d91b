using Secrets.Domain.Secrets;

namespace Secrets.Application.Common;

/// <summary>Whose secrets a request is about, in its sender's words.</summary>
public sealed record OwnerSelector
{
    /// <summary>The caller's own.</summary>
    public static readonly OwnerSelector Caller = new(OwnerKind.User, organizationId: null);

    private readonly string? _organizationId;

    private OwnerSelector(OwnerKind kind, string? organizationId) => (Kind, _organizationId) = (kind, organizationId);

    /// <summary>What kind of owner it is; known before anybody looks who asks.</summary>
    public OwnerKind Kind { get; }

    /// <summary>An organisation's.</summary>
    /// <param name="id">The organisation; null: the only one that the caller belongs to.</param>
    public static OwnerSelector Organization(string? id) => new(OwnerKind.Organization, id);

    /// <summary>An organisation's or, where none is named, the caller's own.</summary>
    public static OwnerSelector OrganizationOrCaller(string? id) => id is null ? Caller : Organization(id);

    /// <summary>The owner; null when the caller has no part in it, or has part in several and none is named.</summary>
    public SecretOwner? Find(Caller caller)
    {
        if (Kind == OwnerKind.User)
        {
            return caller.Owner;
        }

        var membership = _organizationId is { } id ? caller.MembershipOf(id)
            : caller.Memberships.Count == 1 ? caller.Memberships[0]
            : null;
        return membership is null ? null : new SecretOwner(OwnerKind.Organization, membership.OrganizationId);
    }
}

/// <summary>A request about the secrets of one owner.</summary>
public interface INamesOwner
{
    /// <summary>The owner; null where that follows from what else is named.</summary>
    OwnerSelector? Owner { get; }
}
