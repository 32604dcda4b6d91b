namespace Secrets.EmbeddedPostgres;

/// <summary>The configuration section <c>Embedded</c>: where the embedded database keeps its files, and which programs run it.</summary>
internal sealed class EmbeddedOptions
{
    public const string Section = "Embedded";

    /// <summary>The directory of everything that must survive a restart. Default: <c>.data</c> at the root of the repository.</summary>
    public string? DataDirectory { get; set; }

    /// <summary>A directory with <c>initdb</c>, <c>postgres</c> and <c>pg_ctl</c>. Default: see <see cref="PostgresBinaries"/>.</summary>
    public string? BinariesDirectory { get; set; }

    /// <summary>Server settings that override ours, as in <c>Embedded__Settings__shared_buffers=1GB</c>.</summary>
    public IDictionary<string, string> Settings { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Where the search for the repository starts. It continues from the program's directory.</summary>
    internal string? ContentRoot { get; set; }

    /// <summary>Skips the flush to disk at the end of initdb. For throw-away servers only.</summary>
    internal bool ThrowAway { get; set; }

    /// <summary>Starts the server through pg_ctl, as on systems without a setsid program.</summary>
    internal bool ThroughPgCtl { get; set; }

    public string DataDirectoryPath() =>
        Path.TrimEndingDirectorySeparator(Path.GetFullPath(
            string.IsNullOrWhiteSpace(DataDirectory)
                ? Path.Combine(RepositoryRoot() ?? Directory.GetCurrentDirectory(), ".data")
                : DataDirectory));

    public string? RepositoryRoot() => RepositoryAbove(ContentRoot) ?? RepositoryAbove(AppContext.BaseDirectory);

    private static string? RepositoryAbove(string? start)
    {
        for (var at = start is null ? null : new DirectoryInfo(start); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Secrets.sln")))
            {
                return at.FullName;
            }
        }

        return null;
    }
}
