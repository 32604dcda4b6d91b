using Secrets.Domain.Text;

namespace Secrets.Domain.ApiKeys;

/// <summary>A key that acts for a user, with given scopes, in at most one organisation. Only a hash of the key is stored.</summary>
public sealed class ApiKey : IListed
{
    /// <summary>Length of a key's name.</summary>
    public static readonly TextLength NameLength = new(1, 255);

    /// <summary>The longest grace period, in which a replaced key still works beside its successor.</summary>
    public const int MaxGraceSeconds = 7 * 24 * 60 * 60;

    /// <summary>The grace period of a request that names none.</summary>
    public static readonly TimeSpan DefaultGrace = TimeSpan.FromDays(1);

    /// <summary>The most keys of one user that are not revoked. Verifying one key reads all of them.</summary>
    public const int MaxPerUser = 1_000;

    /// <summary>An expired key is revoked this long after its end, when its user gets a new key.</summary>
    public static readonly TimeSpan KeptAfterEnd = TimeSpan.FromDays(30);

    private DateTimeOffset? _expiresAt;

    private ApiKey()
    {
    }

    /// <summary>A new key.</summary>
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

    /// <summary>The name that the creator chose; not unique.</summary>
    public string Name { get; private init; } = null!;

    /// <summary>The public start of the key; unique.</summary>
    public string Prefix { get; private init; } = null!;

    /// <summary>SHA-256 of the key.</summary>
    public byte[] Hash { get; private init; } = null!;

    /// <summary>The operations that the key allows.</summary>
    public Scopes Scopes { get; private init; }

    /// <summary>The user whom the key acts for.</summary>
    public Guid UserId { get; private init; }

    /// <summary>The organisation that the key is bound to, if any.</summary>
    public string? OrganizationId { get; private init; }

    /// <summary>The role in that organisation; present exactly when the organisation is.</summary>
    public OrganizationRole? Role { get; private init; }

    /// <summary>The workspaces of that organisation that the key belongs to.</summary>
    public List<string> Workspaces { get; private init; } = [];

    /// <summary>The key is refused from this moment on; null: never.</summary>
    public DateTimeOffset? ExpiresAt
    {
        get => _expiresAt;
        init => _expiresAt = value;
    }

    /// <summary>UTC.</summary>
    public DateTimeOffset CreatedAt { get; private init; }

    /// <summary>The user who made the key.</summary>
    public Guid CreatedBy { get; private init; }

    /// <summary>The API key that made this key; null: a token or the bootstrap key did.</summary>
    public Guid? CreatedByKey { get; init; }

    /// <summary>When the key was last accepted, up to a minute late; null: never.</summary>
    public DateTimeOffset? LastUsedAt { get; private set; }

    /// <summary>When the key was revoked; null: it was not. The row stays, so that later attempts to use the key are recognised.</summary>
    public DateTimeOffset? RevokedAt { get; private set; }

    /// <summary>The successor of this key; null: none.</summary>
    public Guid? ReplacedBy { get; private set; }

    /// <summary>The organisation with role and workspaces, if the key is bound to one.</summary>
    public Membership? Membership =>
        OrganizationId is { } id && Role is { } role ? new Membership(id, role, Workspaces) : null;

    /// <summary>Whether the key is neither revoked nor expired.</summary>
    public bool IsAccepted(DateTimeOffset now) => RevokedAt is null && !(ExpiresAt <= now);

    /// <summary>Revokes the key permanently.</summary>
    public void Revoke(DateTimeOffset now) => RevokedAt = now;

    /// <summary>Names the successor and sets the end of this key.</summary>
    public void ReplaceBy(Guid successor, DateTimeOffset end) => (ReplacedBy, _expiresAt) = (successor, end);

    /// <summary>A new key with the same name, scopes, user and organisation.</summary>
    public ApiKey Successor(Guid id, string text, Guid createdBy, DateTimeOffset now, DateTimeOffset? expiresAt, Guid? createdByKey) =>
        new(id, Name, text, Scopes, UserId, Membership, createdBy, now) { ExpiresAt = expiresAt, CreatedByKey = createdByKey };

    /// <summary>When a replaced key stops working: after the grace period, or earlier if it expires.</summary>
    public DateTimeOffset EndAfter(TimeSpan grace, DateTimeOffset now) => ExpiresAt is { } end && end < now + grace ? end : now + grace;
}
