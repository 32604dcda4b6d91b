using Secrets.Domain.Text;

namespace Secrets.Domain.ApiKeys;

/// <summary>A key that acts for a user, with given scopes, in at most one organisation. Of the key itself only a hash is kept.</summary>
public sealed class ApiKey : IListed
{
    /// <summary>Length of a key's name.</summary>
    public static readonly TextLength NameLength = new(1, 255);

    /// <summary>The longest time for which a replaced key goes on working beside its successor.</summary>
    public const int MaxGraceSeconds = 7 * 24 * 60 * 60;

    /// <summary>That time where nobody says another.</summary>
    public static readonly TimeSpan DefaultGrace = TimeSpan.FromDays(1);

    /// <summary>How many keys of a user may be there that are not revoked: all of them are read to verify one.</summary>
    public const int MaxPerUser = 1_000;

    /// <summary>How long after its end a key is revoked that nobody revoked, when another is made for its user.</summary>
    public static readonly TimeSpan KeptAfterEnd = TimeSpan.FromDays(30);

    private DateTimeOffset? _expiresAt;

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
    public DateTimeOffset? ExpiresAt
    {
        get => _expiresAt;
        init => _expiresAt = value;
    }

    /// <summary>UTC.</summary>
    public DateTimeOffset CreatedAt { get; private init; }

    /// <summary>The user who made the key.</summary>
    public Guid CreatedBy { get; private init; }

    /// <summary>The API key that it was made with; null: a token, or the key of the configuration.</summary>
    public Guid? CreatedByKey { get; init; }

    /// <summary>When the key was last accepted, at most a minute behind; null: never.</summary>
    public DateTimeOffset? LastUsedAt { get; private set; }

    /// <summary>From when on the key is refused for good; null: it was not revoked. The row stays, so that its use is recognised.</summary>
    public DateTimeOffset? RevokedAt { get; private set; }

    /// <summary>The key that was made in its place; null: none.</summary>
    public Guid? ReplacedBy { get; private set; }

    /// <summary>The organisation with role and workspaces, if the key is bound to one.</summary>
    public Membership? Membership =>
        OrganizationId is { } id && Role is { } role ? new Membership(id, role, Workspaces) : null;

    /// <summary>Whether the key is still accepted at that moment.</summary>
    public bool IsAccepted(DateTimeOffset now) => RevokedAt is null && !(ExpiresAt <= now);

    /// <summary>Revokes the key, for good.</summary>
    public void Revoke(DateTimeOffset now) => RevokedAt = now;

    /// <summary>Has the key end, because another was made in its place.</summary>
    public void ReplaceBy(Guid successor, DateTimeOffset end) => (ReplacedBy, _expiresAt) = (successor, end);

    /// <summary>A key that may do what this one may, to take its place.</summary>
    public ApiKey Successor(Guid id, string text, Guid createdBy, DateTimeOffset now, DateTimeOffset? expiresAt, Guid? createdByKey) =>
        new(id, Name, text, Scopes, UserId, Membership, createdBy, now) { ExpiresAt = expiresAt, CreatedByKey = createdByKey };

    /// <summary>When this key stops working once it has a successor: after the grace, or when it would have anyway.</summary>
    public DateTimeOffset EndAfter(TimeSpan grace, DateTimeOffset now) => ExpiresAt is { } end && end < now + grace ? end : now + grace;
}
