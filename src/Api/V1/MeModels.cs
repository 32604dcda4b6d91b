using System.Text.Json.Serialization;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;

namespace Secrets.Api.V1;

/// <summary>The user, organisations and scopes of a credential.</summary>
public sealed record MeInfo
{
    /// <summary>The user whom the credential acts for.</summary>
    /// <example>7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e</example>
    public required Guid UserId { get; init; }

    /// <summary>The organisations that the credential belongs to.</summary>
    public required IReadOnlyList<MembershipInfo> Organizations { get; init; }

    /// <summary>The scopes.</summary>
    /// <example>["secrets:read", "secrets:write"]</example>
    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>The credential.</summary>
    public required CredentialInfo Credential { get; init; }

    public static MeInfo From(Caller caller) => new()
    {
        UserId = caller.UserId,
        Organizations = [.. caller.Memberships.Select(MembershipInfo.From)],
        Scopes = ScopeNames.For(caller.Scopes),
        Credential = CredentialInfo.From(caller.Credential),
    };
}

/// <summary>A credential's role in an organisation.</summary>
public sealed record MembershipInfo
{
    /// <summary>The organisation.</summary>
    /// <example>acme</example>
    public required string Id { get; init; }

    /// <summary>`admin` or `member`.</summary>
    /// <example>member</example>
    public required string Role { get; init; }

    /// <summary>The workspaces that the credential belongs to.</summary>
    /// <example>["support"]</example>
    public required IReadOnlyList<string> Workspaces { get; init; }

    public static MembershipInfo From(Membership membership) =>
        new() { Id = membership.OrganizationId, Role = RoleNames.For(membership.Role), Workspaces = membership.Workspaces };
}

/// <summary>The caller's credential. If the caller sent an API key and a token, this is the API key.</summary>
public sealed record CredentialInfo
{
    /// <summary>`api_key` or `jwt`.</summary>
    /// <example>api_key</example>
    public required string Kind { get; init; }

    /// <summary>The API key's id; absent for a token.</summary>
    /// <example>0198f3b4-11aa-7c62-af77-5b2e1c3d4e5f</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Guid? Id { get; init; }

    /// <summary>The token's subject (`sub`); absent for an API key.</summary>
    /// <example>user-4711</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Subject { get; init; }

    /// <summary>The expiry; null: never.</summary>
    /// <example>2099-12-31T00:00:00.000000Z</example>
    public required DateTimeOffset? ExpiresAt { get; init; }

    public static CredentialInfo From(Credential credential) => new()
    {
        Kind = credential.KeyId is null ? "jwt" : "api_key",
        Id = credential.KeyId,
        Subject = credential.KeyId is null ? credential.Token?.Subject : null,
        ExpiresAt = credential.End,
    };
}
