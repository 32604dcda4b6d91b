using System.Buffers.Text;
using Secrets.Domain.ApiKeys;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>The section <c>Auth:Jwt</c>: whose tokens are accepted. With neither authority nor signing key: nobody's.</summary>
internal sealed class JwtOptions
{
    public const string Section = "Auth:Jwt";
    public const int MinSigningKeyBytes = 32;

    /// <summary>Who issues the tokens: its discovery document is at <c>/.well-known/openid-configuration</c> below this URL.</summary>
    public string? Authority { get; set; }

    /// <summary>Whom tokens must be addressed to. Required with an authority.</summary>
    public string? Audience { get; set; }

    /// <summary>The issuer that tokens must name. Default: what discovery says; with a signing key, any.</summary>
    public string? Issuer { get; set; }

    /// <summary>A secret shared with the issuer, for HS256: at least 32 bytes, in base64.</summary>
    public string? SigningKey { get; set; }

    /// <summary>The claim that holds the organisations.</summary>
    public string OrganizationsClaim { get; set; } = "organizations";

    /// <summary>The most that a token may carry, names with spaces between. Default: every scope but <c>users:act</c>.</summary>
    public string? AllowedScopes { get; set; }

    /// <summary>Tokens with an unknown key have the keys fetched again, but not more often than this.</summary>
    public int RefreshSeconds { get; set; } = 300;

    /// <summary>The keys are fetched again when they are this old.</summary>
    public int KeyLifetimeSeconds { get; set; } = 3600;

    public bool HasAuthority => !string.IsNullOrWhiteSpace(Authority);

    public bool HasSigningKey => !string.IsNullOrWhiteSpace(SigningKey);

    public bool HasAudience => !string.IsNullOrWhiteSpace(Audience);

    public string? ExpectedIssuer => string.IsNullOrWhiteSpace(Issuer) ? null : Issuer;

    public IReadOnlyList<string> Audiences => HasAudience ? [Audience!] : [];

    /// <summary>Null: a name is not ours.</summary>
    public Scopes? Ceiling => string.IsNullOrWhiteSpace(AllowedScopes) ? Scopes.All & ~Scopes.UsersAct
        : AllowedScopes.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Aggregate((Scopes?)Scopes.None, (all, name) => all | ScopeNames.Parse(name));

    /// <summary>Over the network only with TLS: whoever can change the keys on their way can be anybody.</summary>
    public static bool IsSafe(Uri address) =>
        string.IsNullOrEmpty(address.UserInfo)
        && (HasScheme(address, Uri.UriSchemeHttps) || (HasScheme(address, Uri.UriSchemeHttp) && address.IsLoopback));

    public bool HasUsableAuthority() =>
        !HasAuthority || (Uri.TryCreate(Authority, UriKind.Absolute, out var address) && IsSafe(address) && address is { Query: "", Fragment: "" });

    public bool HasUsableSigningKey() =>
        !HasSigningKey || (Base64.IsValid(SigningKey, out var length) && length >= MinSigningKeyBytes);

    private static bool HasScheme(Uri address, string scheme) => string.Equals(address.Scheme, scheme, StringComparison.Ordinal);
}
