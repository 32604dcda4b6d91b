using Secrets.Domain.Text;

namespace Secrets.Domain.ApiKeys;

/// <summary>A key that acts for a user, with given scopes, in at most one organisation. Of the key itself only a hash is kept.</summary>
public sealed class ApiKey : IListed
{
    /// <summary>Length of a key's name.</summary>
    public static readonly TextLength NameLength = new(1, 255);

    private ApiKey()
    {
    }

    /// <summary>A key as it is stored.</summary>
    public ApiKey(Guid id, string name, string text, Scopes scopes, Guid userId, Membership? membership, Guid createdBy, DateTimeOffset now)
    {
        Id = id;
        Name = name;
        Prefix = ApiKeyText.PrefixOf(text);
        Hash = ApiKeyText.HashOf(text);
        Scopes = scopes;
        UserId = userId;
        OrganizationId = membership?.OrganizationId;
        Role = membership?.Role;
        Workspaces = [.. membership?.Workspaces ?? []];
        CreatedBy = createdBy;
        CreatedAt = now;
    }

    /// <summary>Version 7.</summary>
    public Guid Id { get; private init; }

    /// <summary>What its creator calls it; not unique.</summary>
    public string Name { get; private init; } = null!;

    /// <summary>The part of the key that may be shown; unique.</summary>
    public string Prefix { get; private init; } = null!;

    /// <summary>SHA-256 of the key.</summary>
    public byte[] Hash { get; private init; } = null!;

    /// <summary>What the key may do.</summary>
    public Scopes Scopes { get; private init; }

    /// <summary>Whom the key acts for.</summary>
    public Guid UserId { get; private init; }

    /// <summary>The organisation that the key is bound to, if any.</summary>
    public string? OrganizationId { get; private init; }

    /// <summary>The role in that organisation; present exactly when the organisation is.</summary>
    public OrganizationRole? Role { get; private init; }

    /// <summary>The workspaces of that organisation which the key is a member of.</summary>
    public List<string> Workspaces { get; private init; } = [];

    /// <summary>From this moment on the key is refused; null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>UTC.</summary>
    public DateTimeOffset CreatedAt { get; private init; }

    /// <summary>The user who made the key.</summary>
    public Guid CreatedBy { get; private init; }

    /// <summary>When the key was last accepted, at most a minute behind; null: never.</summary>
    public DateTimeOffset? LastUsedAt { get; private set; }

    /// <summary>The organisation with role and workspaces, if the key is bound to one.</summary>
    public Membership? Membership =>
        OrganizationId is { } id && Role is { } role ? new Membership(id, role, Workspaces) : null;

    /// <summary>Whether the key is still accepted at that moment.</summary>
    public bool IsAccepted(DateTimeOffset now) => ExpiresAt is not { } end || now < end;
}
