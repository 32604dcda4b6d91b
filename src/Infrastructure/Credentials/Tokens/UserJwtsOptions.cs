using System.Buffers.Text;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>Settings that <c>dotnet user-jwts</c> writes to the user secrets and to appsettings.Development.json. Read in development only.</summary>
internal sealed class UserJwtsOptions
{
    public const string Section = "Authentication:Schemes:Bearer";

    public string ValidIssuer { get; set; } = "dotnet-user-jwts";

    public IList<string> ValidAudiences { get; } = [];

    public IList<IssuerKey> SigningKeys { get; } = [];

    /// <summary>The trust in the tool's tokens; null if the tool was never used.</summary>
    public Trust? ToTrust()
    {
        var keys = SigningKeys.Where(key => string.Equals(key.Issuer, ValidIssuer, StringComparison.Ordinal) && Base64.IsValid(key.Value))
            .Select(key => VerificationKey.FromSecret(Convert.FromBase64String(key.Value)))
            .ToList();
        return keys.Count > 0 && ValidAudiences.Count > 0 ? new Trust(ValidIssuer, [.. ValidAudiences], keys) : null;
    }

    public sealed class IssuerKey
    {
        public string Issuer { get; set; } = "";

        /// <summary>The key in base64.</summary>
        public string Value { get; set; } = "";
    }
}
