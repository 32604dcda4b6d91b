namespace Secrets.Infrastructure.Resolution;

/// <summary>How resolves are answered.</summary>
internal sealed class ResolutionOptions
{
    public const string Section = "Resolve";
    public const int MaxMemoryMegabytes = 1_000_000;

    /// <summary>
    /// What may be used to remember owners' secrets (sealed), in megabytes: about a million secrets of ordinary size. Those that were asked for least recently
    /// make room. 0: every resolve reads the database.
    /// </summary>
    public int MemoryMegabytes { get; set; } = 192;

    /// <summary>The same in bytes.</summary>
    public long MemoryBytes => MemoryMegabytes * 1_000_000L;

    /// <summary>Whether it is within what makes sense.</summary>
    public bool IsValid() => MemoryMegabytes is >= 0 and <= MaxMemoryMegabytes;
}
