using System.Text.Json.Serialization;
using Secrets.Api.OpenApi;
using Secrets.Application.ApiKeys;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;

namespace Secrets.Api.V1;

/// <summary>An API key to make.</summary>
/// <example>{"name": "runtime", "scopes": ["secrets:resolve"], "user_id": "7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e", "organization_id": "acme", "role": "member", "workspaces": ["support"], "expires_at": "2099-12-31T00:00:00Z"}</example>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record CreateApiKeyBody
{
    /// <summary>What to call it. 1 to 255 characters.</summary>
    /// <example>runtime</example>
    [TextLimit(typeof(ApiKey), nameof(ApiKey.NameLength))]
    public required string Name { get; init; }

    /// <summary>
    /// What it may do, a subset of what its creator may: `secrets:read`, `secrets:write`, `secrets:resolve` (the values, for runtimes), `keys:manage`,
    /// `audit:read`, `operator`, `users:act` (name the user whose secrets are meant, for backends; only operators grant it, and to no key of an organisation).
    /// </summary>
    /// <example>["secrets:resolve"]</example>
    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>Whom it acts for; its creator when left out. A key with `users:act` and without `operator` needs a user who is no operator: one of the backend's own.</summary>
    /// <example>7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e</example>
    public Guid? UserId { get; init; }

    /// <summary>The name of the user whom it acts for, in place of `user_id`: the `sub` of the user's tokens. No white space at its ends, no control characters, no uuid.</summary>
    /// <example>ada@example.com</example>
    [TextLimit(typeof(UserName), nameof(UserName.Length))]
    public string? User { get; init; }

    /// <summary>An organisation to bind it to. No white space at its ends, no control characters.</summary>
    /// <example>acme</example>
    [TextLimit(typeof(Membership), nameof(Membership.OrganizationIdLength))]
    public string? OrganizationId { get; init; }

    /// <summary>`admin` or `member` of that organisation; member when left out.</summary>
    /// <example>member</example>
    public string? Role { get; init; }

    /// <summary>Workspaces of that organisation which it is a member of. An admin is of every workspace, so none may be named for one.</summary>
    /// <example>["support"]</example>
    [ItemLimit(Membership.MaxWorkspaces)]
    public IReadOnlyList<string>? Workspaces { get; init; }

    /// <summary>
    /// When it stops working, in RFC 3339; never when left out. An API key that has an end makes only keys that end no later; with a token one makes keys that end within a
    /// year, unless the service is set up otherwise.
    /// </summary>
    /// <example>2099-12-31T00:00:00Z</example>
    public DateTimeOffset? ExpiresAt { get; init; }

    public CreateApiKey ToCommand() => new(Name, Scopes, UserId, OrganizationId, Role, Workspaces, ExpiresAt) { User = User };
}

/// <summary>How to replace an API key.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record RotateApiKeyBody
{
    /// <summary>Seconds for which the old key goes on working, unless it expires before; a day when left out.</summary>
    /// <example>3600</example>
    [NumberLimit(0, ApiKey.MaxGraceSeconds)]
    public int? GraceSeconds { get; init; }

    /// <summary>When the new key stops working, in RFC 3339; when left out, it lives as long as the old one was made to.</summary>
    /// <example>2099-12-31T00:00:00Z</example>
    public DateTimeOffset? ExpiresAt { get; init; }

    public RotateApiKey ToCommand(Guid id) => new(id, GraceSeconds, ExpiresAt);
}

/// <summary>An API key as people may see it.</summary>
public sealed record ApiKeyInfo
{
    /// <summary>The key's id.</summary>
    /// <example>0198f3b4-11aa-7c62-af77-5b2e1c3d4e5f</example>
    public required Guid Id { get; init; }

    /// <summary>What its creator calls it.</summary>
    /// <example>runtime</example>
    public required string Name { get; init; }

    /// <summary>The first characters of the key.</summary>
    /// <example>secsvc_7Hq2mZ9xKd</example>
    public required string Prefix { get; init; }

    /// <summary>What it may do.</summary>
    /// <example>["secrets:resolve"]</example>
    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>Whom it acts for.</summary>
    /// <example>7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e</example>
    public required Guid UserId { get; init; }

    /// <summary>The organisation that it is bound to.</summary>
    /// <example>acme</example>
    public required string? OrganizationId { get; init; }

    /// <summary>`admin` or `member` of that organisation.</summary>
    /// <example>member</example>
    public required string? Role { get; init; }

    /// <summary>Workspaces of that organisation which it is a member of.</summary>
    /// <example>["support"]</example>
    public required IReadOnlyList<string> Workspaces { get; init; }

    /// <summary>When it stops working; null: never.</summary>
    /// <example>2099-12-31T00:00:00.000000Z</example>
    public required DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When it was made.</summary>
    /// <example>2026-11-29T08:00:00.123456Z</example>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The API key that it was made with; null: a token, or the bootstrap key.</summary>
    /// <example>0198f3b0-44dd-7f95-92ba-8e51f4a6b7c8</example>
    public required Guid? CreatedByKey { get; init; }

    /// <summary>When it was last used, at most a minute behind; null: never.</summary>
    /// <example>2026-11-29T09:30:00.654321Z</example>
    public required DateTimeOffset? LastUsedAt { get; init; }

    /// <summary>The key that has taken its place; absent where none has.</summary>
    /// <example>0198f3b5-33cc-7e84-81a9-7d40e3f5a6b7</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Guid? ReplacedBy { get; init; }

    /// <summary>The key whose place it takes; only in the answer to a rotation.</summary>
    /// <example>0198f3b0-44dd-7f95-92ba-8e51f4a6b7c8</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Guid? Replaces { get; init; }

    /// <summary>The key itself; only in the answer to its creation or to a rotation.</summary>
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

/// <summary>A list, or a page of it.</summary>
public sealed record ApiKeyInfoList
{
    /// <summary>The keys, oldest first.</summary>
    public required IReadOnlyList<ApiKeyInfo> Data { get; init; }

    /// <summary>Pass this as `cursor` for the next page; absent on the last.</summary>
    /// <example>MTc2NDQwMzIwMDEyMzQ1Ng</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NextCursor { get; init; }

    public static ApiKeyInfoList From(Page<ApiKeyDetails> page) =>
        new() { Data = [.. page.Items.Select(ApiKeyInfo.From)], NextCursor = page.NextCursor };
}

/// <summary>What was revoked.</summary>
public sealed record RevokedKeys
{
    /// <summary>How many keys; absent without `cascade`.</summary>
    /// <example>3</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Revoked { get; init; }
}
