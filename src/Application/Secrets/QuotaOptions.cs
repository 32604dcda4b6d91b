namespace Secrets.Application.Secrets;

/// <summary>The quota of an owner.</summary>
public sealed class QuotaOptions
{
    public const string Section = "Quota";

    /// <summary>The most UTF-8 bytes in all values of one owner. Default 1 MiB.</summary>
    public long BytesPerOwner { get; set; } = 1024 * 1024;

    /// <summary>The most secrets of one owner.</summary>
    public int SecretsPerOwner { get; set; } = 10_000;
}
