namespace Secrets.Application.ApiKeys;

/// <summary>Settings for API keys that are made with a token.</summary>
public sealed class ApiKeyOptions
{
    public const string Section = "Auth:Jwt";

    /// <summary>The longest life of a key made with a token, in days.</summary>
    public int MaxKeyDays { get; set; } = 365;
}
