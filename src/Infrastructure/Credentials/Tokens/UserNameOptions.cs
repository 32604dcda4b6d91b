namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>The section <c>Auth:Users</c>: whose names of users are meant.</summary>
internal sealed class UserNameOptions
{
    public const string Section = "Auth:Users";

    /// <summary>The issuer whose tokens have these names as subjects. Default: the issuer of the tokens that are accepted.</summary>
    public string? Issuer { get; set; }

    /// <summary>The issuer where no tokens are accepted. It is no setting.</summary>
    internal string OwnIssuer { get; set; } = "urn:secrets:users";
}
