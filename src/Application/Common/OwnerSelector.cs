namespace Secrets.Application.Common;

/// <summary>The owner whose secrets a request means, as the caller names it.</summary>
public sealed record OwnerSelector
{
    /// <summary>The caller's own.</summary>
    public static readonly OwnerSelector Caller = new(OwnerKind.User, organizationId: null);

    private readonly string? _organizationId;

    private OwnerSelector(OwnerKind kind, string? organizationId) => (Kind, _organizationId) = (kind, organizationId);

    /// <summary>The kind of owner. Known before the caller is looked at.</summary>
    public OwnerKind Kind { get; }

    /// <summary>An organisation's.</summary>
    /// <param name="id">The organisation; null: the caller's only one.</param>
    public static OwnerSelector Organization(string? id) => new(OwnerKind.Organization, id);

    /// <summary>An organisation's; null: the caller's own.</summary>
    public static OwnerSelector OrganizationOrCaller(string? id) => id is null ? Caller : Organization(id);

    /// <summary>The owner; null: the caller does not belong to it, or belongs to several and named none.</summary>
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
    /// <summary>The owner; null: implied by the secret's id.</summary>
    OwnerSelector? Owner { get; }
}
