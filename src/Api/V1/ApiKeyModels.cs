using System.Text.Json.Serialization;
using Secrets.Api.OpenApi;
using Secrets.Application.ApiKeys;
using Secrets.Domain.ApiKeys;

namespace Secrets.Api.V1;

/// <summary>A new API key.</summary>
/// <example>{"name": "runtime", "scopes": ["secrets:resolve"], "user_id": "7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e", "organization_id": "acme", "role": "member", "workspaces": ["support"], "expires_at": "2099-12-31T00:00:00Z"}</example>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record CreateApiKeyBody
{
    /// <summary>The name. 1 to 255 characters.</summary>
    /// <example>runtime</example>
    [TextLimit(typeof(ApiKey), nameof(ApiKey.NameLength))]
    public required string Name { get; init; }

    /// <summary>
    /// The scopes, a subset of the creator's: `secrets:read`, `secrets:write`, `secrets:resolve` (get values, for runtimes), `keys:manage`, `audit:read`,
    /// `operator`, `users:act` (act for other users, for backends). Only operators grant `users:act`, and only to keys without an organisation.
    /// </summary>
    /// <example>["secrets:resolve"]</example>
    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>The user whom the key acts for; the creator by default. For a key with `users:act` but without `operator`, this must not be an operator.</summary>
    /// <example>7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e</example>
    public Guid? UserId { get; init; }

    /// <summary>The user's name in place of `user_id`: the `sub` of the user's tokens. No white space at the ends, no control characters, no uuid.</summary>
    /// <example>ada@example.com</example>
    [TextLimit(typeof(UserName), nameof(UserName.Length))]
    public string? User { get; init; }

    /// <summary>The organisation of the key. No white space at the ends, no control characters.</summary>
    /// <example>acme</example>
    [TextLimit(typeof(Membership), nameof(Membership.OrganizationIdLength))]
    public string? OrganizationId { get; init; }

    /// <summary>`admin` or `member` of that organisation; `member` by default.</summary>
    /// <example>member</example>
    public string? Role { get; init; }

    /// <summary>Workspaces of that organisation that the key belongs to. Must be empty for an admin, who belongs to every workspace.</summary>
    /// <example>["support"]</example>
    [ItemLimit(Membership.MaxWorkspaces)]
    public IReadOnlyList<string>? Workspaces { get; init; }

    /// <summary>
    /// The expiry, in RFC 3339; none by default. Required when an API key with an expiry makes this key; this one must not be later. Also required when a
    /// token makes this key; the longest life is then a year by default.
    /// </summary>
    /// <example>2099-12-31T00:00:00Z</example>
    public DateTimeOffset? ExpiresAt { get; init; }

    public CreateApiKey ToCommand() => new(Name, Scopes, UserId, OrganizationId, Role, Workspaces, ExpiresAt) { User = User };
}

/// <summary>The rotation of an API key.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record RotateApiKeyBody
{
    /// <summary>The grace period in seconds, in which the old key still works unless it expires earlier; a day by default.</summary>
    /// <example>3600</example>
    [NumberLimit(0, ApiKey.MaxGraceSeconds)]
    public int? GraceSeconds { get; init; }

    /// <summary>The expiry of the new key, in RFC 3339; the old key's expiry by default.</summary>
    /// <example>2099-12-31T00:00:00Z</example>
    public DateTimeOffset? ExpiresAt { get; init; }

    public RotateApiKey ToCommand(Guid id) => new(id, GraceSeconds, ExpiresAt);
}

/// <summary>An API key, without its text.</summary>
public sealed record ApiKeyInfo
{
    /// <summary>The key's id.</summary>
    /// <example>0198f3b4-11aa-7c62-af77-5b2e1c3d4e5f</example>
    public required Guid Id { get; init; }

    /// <summary>The name.</summary>
    /// <example>runtime</example>
    public required string Name { get; init; }

    /// <summary>The first characters of the key.</summary>
    /// <example>secsvc_7Hq2mZ9xKd</example>
    public required string Prefix { get; init; }

    /// <summary>The scopes.</summary>
    /// <example>["secrets:resolve"]</example>
    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>The user whom the key acts for.</summary>
    /// <example>7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e</example>
    public required Guid UserId { get; init; }

    /// <summary>The organisation of the key.</summary>
    /// <example>acme</example>
    public required string? OrganizationId { get; init; }

    /// <summary>`admin` or `member` of that organisation.</summary>
    /// <example>member</example>
    public required string? Role { get; init; }

    /// <summary>The workspaces of that organisation that the key belongs to.</summary>
    /// <example>["support"]</example>
    public required IReadOnlyList<string> Workspaces { get; init; }

    /// <summary>The expiry; null: never.</summary>
    /// <example>2099-12-31T00:00:00.000000Z</example>
    public required DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When the key was made.</summary>
    /// <example>2026-11-29T08:00:00.123456Z</example>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The API key that made this key; null: a token or the bootstrap key did.</summary>
    /// <example>0198f3b0-44dd-7f95-92ba-8e51f4a6b7c8</example>
    public required Guid? CreatedByKey { get; init; }

    /// <summary>When the key was last used, up to a minute behind; null: never.</summary>
    /// <example>2026-11-29T09:30:00.654321Z</example>
    public required DateTimeOffset? LastUsedAt { get; init; }

    /// <summary>The key that replaced this one; absent if none did.</summary>
    /// <example>0198f3b5-33cc-7e84-81a9-7d40e3f5a6b7</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Guid? ReplacedBy { get; init; }

    /// <summary>The key that this one replaces. Only in the answer to a rotation.</summary>
    /// <example>0198f3b0-44dd-7f95-92ba-8e51f4a6b7c8</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Guid? Replaces { get; init; }

    /// <summary>The text of the key. Only in the answer to a creation or rotation; it is not shown again.</summary>
    /// <example>secsvc_7Hq2mZ9xKd...</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Key { get; init; }

    public static ApiKeyInfo From(CreatedApiKey created) => From(created.Details) with { Key = created.Key, Replaces = created.Replaces };

    public static ApiKeyInfo From(ApiKeyDetails key) => new()
    {
        Id = key.Id,
        Name = key.Name,
        Prefix = key.Prefix,
        Scopes = ScopeNames.For(key.Scopes),
        UserId = key.UserId,
        OrganizationId = key.OrganizationId,
        Role = key.Role is { } role ? RoleNames.For(role) : null,
        Workspaces = key.Workspaces,
        ExpiresAt = key.ExpiresAt,
        CreatedAt = key.CreatedAt,
        CreatedByKey = key.CreatedByKey,
        LastUsedAt = key.LastUsedAt,
        ReplacedBy = key.ReplacedBy,
    };
}

/// <summary>A page of API keys.</summary>
public sealed record ApiKeyInfoList
{
    /// <summary>The keys, oldest first.</summary>
    public required IReadOnlyList<ApiKeyInfo> Data { get; init; }

    /// <summary>The `cursor` of the next page; absent on the last page.</summary>
    /// <example>MTc2NDQwMzIwMDEyMzQ1Ng</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NextCursor { get; init; }

    public static ApiKeyInfoList From(Page<ApiKeyDetails> page) =>
        new() { Data = [.. page.Items.Select(ApiKeyInfo.From)], NextCursor = page.NextCursor };
}

/// <summary>The result of a revocation.</summary>
public sealed record RevokedKeys
{
    /// <summary>Number of revoked keys; absent without `cascade`.</summary>
    /// <example>3</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Revoked { get; init; }
}
