namespace Secrets.Api.V1;

/// <summary>What an owner's secrets take of the quota.</summary>
public sealed record Usage
{
    /// <summary>UTF-8 bytes of all values.</summary>
    public required long BytesUsed { get; init; }

    /// <summary>What they may come to.</summary>
    public required long BytesQuota { get; init; }

    /// <summary>How many secrets there are.</summary>
    public required int Secrets { get; init; }

    public static Usage Of(Application.Secrets.Usage usage) =>
        new() { BytesUsed = usage.BytesUsed, BytesQuota = usage.BytesQuota, Secrets = usage.Secrets };
}
