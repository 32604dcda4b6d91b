namespace Secrets.Application.Secrets;

/// <summary>How much an owner may store.</summary>
public sealed class QuotaOptions
{
    public const string Section = "Quota";

    /// <summary>UTF-8 bytes of all values of one owner. Default 1 MiB.</summary>
    public long BytesPerOwner { get; set; } = 1024 * 1024;

    /// <summary>Secrets of one owner.</summary>
    public int SecretsPerOwner { get; set; } = 10_000;
}
