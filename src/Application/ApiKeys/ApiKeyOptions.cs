namespace Secrets.Application.ApiKeys;

/// <summary>What holds for API keys that are made with a token.</summary>
public sealed class ApiKeyOptions
{
    public const string Section = "Auth:Jwt";

    /// <summary>The most days until a key ends that was made with a token.</summary>
    public int MaxKeyDays { get; set; } = 365;
}
