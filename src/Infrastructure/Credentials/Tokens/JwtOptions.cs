using System.Buffers.Text;
using Secrets.Domain.ApiKeys;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>The section <c>Auth:Jwt</c>: which tokens are accepted. Without authority and signing key, none are.</summary>
internal sealed class JwtOptions
{
    public const string Section = "Auth:Jwt";
    public const int MinSigningKeyBytes = 32;

    /// <summary>The issuer's URL. Its discovery document is at <c>/.well-known/openid-configuration</c> below this URL.</summary>
    public string? Authority { get; set; }

    /// <summary>The audience that tokens must name. Required with an authority.</summary>
    public string? Audience { get; set; }

    /// <summary>The issuer that tokens must name. Default: the issuer in the discovery document; with a signing key, any.</summary>
    public string? Issuer { get; set; }

    /// <summary>A secret shared with the issuer, for HS256: at least 32 bytes, in base64.</summary>
    public string? SigningKey { get; set; }

    /// <summary>The claim with the organisations.</summary>
    public string OrganizationsClaim { get; set; } = "organizations";

    /// <summary>The scopes that tokens may have, separated by spaces. Default: every scope but <c>users:act</c>.</summary>
    public string? AllowedScopes { get; set; }

    /// <summary>Minimum seconds between fetches caused by tokens with an unknown key.</summary>
    public int RefreshSeconds { get; set; } = 300;

    /// <summary>Seconds after which the keys are fetched again.</summary>
    public int KeyLifetimeSeconds { get; set; } = 3600;

    public bool HasAuthority => !string.IsNullOrWhiteSpace(Authority);

    public bool HasSigningKey => !string.IsNullOrWhiteSpace(SigningKey);

    public bool HasAudience => !string.IsNullOrWhiteSpace(Audience);

    public string? ExpectedIssuer => string.IsNullOrWhiteSpace(Issuer) ? null : Issuer;

    public IReadOnlyList<string> Audiences => HasAudience ? [Audience!] : [];

    /// <summary>The allowed scopes; null if the setting has an unknown name.</summary>
    public Scopes? Ceiling => string.IsNullOrWhiteSpace(AllowedScopes) ? Scopes.All & ~Scopes.UsersAct
        : AllowedScopes.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Aggregate((Scopes?)Scopes.None, (all, name) => all | ScopeNames.Parse(name));

    public bool HasUsableAuthority() => !HasAuthority || SafeAddress.IsSafe(Authority);

    public bool HasUsableSigningKey() =>
        !HasSigningKey || (Base64.IsValid(SigningKey, out var length) && length >= MinSigningKeyBytes);
}
