namespace Secrets.Api.V1;

/// <summary>An owner's use of the quota.</summary>
public sealed record Usage
{
    /// <summary>UTF-8 bytes of all values.</summary>
    /// <example>2048</example>
    public required long BytesUsed { get; init; }

    /// <summary>The most bytes allowed.</summary>
    /// <example>1048576</example>
    public required long BytesQuota { get; init; }

    /// <summary>Number of secrets.</summary>
    /// <example>42</example>
    public required int Secrets { get; init; }

    /// <summary>The most secrets allowed.</summary>
    /// <example>10000</example>
    public required int SecretsQuota { get; init; }

    public static Usage From(Application.Secrets.Usage usage) =>
        new() { BytesUsed = usage.BytesUsed, BytesQuota = usage.BytesQuota, Secrets = usage.Secrets, SecretsQuota = usage.SecretsQuota };
}
