using System.Globalization;
using System.Runtime.Versioning;
using Secrets.Infrastructure.Foundation;

namespace Secrets.EmbeddedPostgres;

/// <summary>Refuses a directory that another account can change, or can put something else in the place of. On Windows rights are inherited, and not checked.</summary>
internal static class DirectorySafety
{
    private const UnixFileMode OthersWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
    private const int MostSteps = 200;

    /// <summary>A directory of our own that nobody else can write to, on a way that nobody else can change.</summary>
    /// <exception cref="StartupException">It is not safe; says why, and what to do.</exception>
    public static async Task RequireOwnAsync(string path, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        if (new FileInfo(path).LinkTarget is { } target)
        {
            throw new StartupException(
                $"The data directory {path} is a symbolic link: set Embedded__DataDirectory to the directory that it leads to, {target}.");
        }

        var way = await WayTo(path, clock, cancellationToken);
        way.Steps[..^1].ForEach(way.Require);
        if (way.Steps[^1].Owner is var owner && owner != way.Own)
        {
            throw new StartupException(
                $"The data directory {path} belongs to the user id {owner}, and the service runs as {Environment.UserName} ({way.Own}): "
                + "run the service as the account that made it, or set Embedded__DataDirectory to another directory.");
        }

        if ((File.GetUnixFileMode(path) & OthersWrite) != UnixFileMode.None)
        {
            throw new StartupException($"Other accounts can write to the data directory {path}: see that nothing in it is theirs, and run `chmod 700 '{path}'`.");
        }
    }

    /// <summary>A directory where nobody else can replace what is ours, although others may have files of their own in it.</summary>
    /// <exception cref="StartupException">It is not safe; says why, and what to do.</exception>
    [UnsupportedOSPlatform("windows")]
    public static async Task RequireSharedAsync(string path, TimeProvider clock, CancellationToken cancellationToken)
    {
        var way = await WayTo(path, clock, cancellationToken);
        way.Steps.ForEach(way.Require);
    }

    [UnsupportedOSPlatform("windows")]
    private static async Task<Way> WayTo(string path, TimeProvider clock, CancellationToken cancellationToken)
    {
        var program = StepsTo(AppContext.BaseDirectory);
        var steps = StepsTo(path);

        // The runtime tells everything about a file but its owner.
        var owners = await IdsAsync(["stat", OperatingSystem.IsMacOS() ? "-f" : "-c", "%u", "--", .. program, .. steps], program.Count + steps.Count);
        var own = Environment.IsPrivilegedProcess ? 0 : (await IdsAsync(["id", "-u"], 1))[0];
        return new Way(path, own, [.. owners[..program.Count]], [.. steps.Zip(owners[program.Count..])]);

        async Task<uint[]> IdsAsync(string[] command, int count)
        {
            var run = await Command.RunAsync(command, TimeSpan.FromSeconds(10), clock, cancellationToken);
            var lines = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            return run.Succeeded && lines.Length == count
                ? [.. lines.Select(line => uint.Parse(line, NumberStyles.None, CultureInfo.InvariantCulture))]
                : throw new StartupException($"Whom {path} and the directories above it belong to cannot be told: {run.Tail}");
        }
    }

    /// <summary>Every directory and symbolic link that the system goes through, and at the end the directory that the path leads to.</summary>
    private static List<string> StepsTo(string path)
    {
        var steps = new List<string> { "/" };
        var at = "/";
        var names = new Stack<string>(Names(path));
        while (names.TryPop(out var name))
        {
            if (name is "..")
            {
                at = Path.GetDirectoryName(at) ?? "/";
                continue;
            }

            var next = Path.Combine(at, name);
            steps.Add(next);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                at = next;
                continue;
            }

            if (steps.Count > MostSteps)
            {
                throw new StartupException($"{path} leads through too many symbolic links.");
            }

            at = Path.IsPathRooted(target) ? "/" : at;
            foreach (var further in Names(target))
            {
                names.Push(further);
            }
        }

        return [.. steps.Where(step => !step.Equals(at, StringComparison.Ordinal)), at];

        static IEnumerable<string> Names(string path) => path.Split('/').Where(name => name is not ("" or ".")).Reverse();
    }

    /// <summary>The way to a directory.</summary>
    /// <param name="Path">As it was given.</param>
    /// <param name="Own">Our user id.</param>
    /// <param name="OfProgram">The user ids that the program and the directories above it belong to: who can replace that needs no directory of ours.</param>
    /// <param name="Steps">From the root to the directory itself, with their owners.</param>
    [UnsupportedOSPlatform("windows")]
    private sealed record Way(string Path, uint Own, HashSet<uint> OfProgram, List<(string Path, uint Owner)> Steps)
    {
        /// <summary>A step below which nobody but root, us and the program's owners can replace anything of others.</summary>
        public void Require((string Path, uint Owner) step)
        {
            if (step.Owner != 0 && step.Owner != Own && !OfProgram.Contains(step.Owner) && PrivateIds.IsMapped(step.Owner))
            {
                throw new StartupException(
                    $"{step.Path} belongs to the user id {step.Owner}, which can replace what is below it: set Embedded__DataDirectory to a directory elsewhere than {Path}.");
            }

            if (new FileInfo(step.Path).LinkTarget is null
                && File.GetUnixFileMode(step.Path) is var mode && mode.HasFlag(UnixFileMode.OtherWrite) && !mode.HasFlag(UnixFileMode.StickyBit))
            {
                throw new StartupException(
                    $"Every account can replace what is in {step.Path}: run `chmod o-w '{step.Path}'`, or set Embedded__DataDirectory to a directory elsewhere than {Path}.");
            }
        }
    }
}
