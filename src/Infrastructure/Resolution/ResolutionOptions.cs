namespace Secrets.Infrastructure.Resolution;

/// <summary>Settings of the cache for resolves.</summary>
internal sealed class ResolutionOptions
{
    public const string Section = "Resolve";
    public const int MaxMemoryMegabytes = 1_000_000;

    /// <summary>Megabytes for cached owners and their sealed secrets. The default holds a million secrets. 0: every resolve reads the database.</summary>
    public int MemoryMegabytes { get; set; } = 192;

    public long MemoryBytes => MemoryMegabytes * 1_000_000L;

    public bool IsValid() => MemoryMegabytes is >= 0 and <= MaxMemoryMegabytes;
}
