namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>The section <c>Auth:Users</c>: the issuer of user names.</summary>
internal sealed class UserNameOptions
{
    public const string Section = "Auth:Users";

    /// <summary>The issuer whose tokens have the names as subjects. Default: the issuer of accepted tokens.</summary>
    public string? Issuer { get; set; }

    /// <summary>The issuer of names if no tokens are accepted. Not a setting.</summary>
    internal string OwnIssuer { get; set; } = "urn:secrets:users";
}
