using System.Globalization;
using System.Runtime.Versioning;

namespace Secrets.EmbeddedPostgres;

/// <summary>Refuses a directory that another account can change or replace. On Windows rights are inherited and not checked.</summary>
internal static class DirectorySafety
{
    private const UnixFileMode OthersWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
    private const int MaxSteps = 200;

    /// <summary>Requires that the directory is ours, that only we can write to it, and that no other account can replace a directory above it.</summary>
    /// <exception cref="StartupException">The directory is not safe.</exception>
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

        var route = await RouteToAsync(path, clock, cancellationToken);
        route.Steps[..^1].ForEach(route.RequireSafe);
        if (route.Steps[^1].Owner is var owner && owner != route.Own)
        {
            throw new StartupException(
                $"The data directory {path} belongs to the user id {owner}, and the service runs as {Environment.UserName} ({route.Own}): "
                + "run the service as the account that created it, or set Embedded__DataDirectory to another directory.");
        }

        if ((File.GetUnixFileMode(path) & OthersWrite) != UnixFileMode.None)
        {
            throw new StartupException(
                $"Other accounts can write to the data directory {path}: check that it contains no files of theirs, and run `chmod 700 '{path}'`.");
        }
    }

    /// <summary>Requires that no other account can replace our files in the directory. Others may have files of their own in it.</summary>
    /// <exception cref="StartupException">The directory is not safe.</exception>
    [UnsupportedOSPlatform("windows")]
    public static async Task RequireSharedAsync(string path, TimeProvider clock, CancellationToken cancellationToken)
    {
        var route = await RouteToAsync(path, clock, cancellationToken);
        route.Steps.ForEach(route.RequireSafe);
    }

    [UnsupportedOSPlatform("windows")]
    private static async Task<Route> RouteToAsync(string path, TimeProvider clock, CancellationToken cancellationToken)
    {
        var program = StepsTo(AppContext.BaseDirectory);
        var steps = StepsTo(path);

        // .NET cannot tell the owner of a file.
        var owners = await IdsAsync(["stat", OperatingSystem.IsMacOS() ? "-f" : "-c", "%u", "--", .. program, .. steps], program.Count + steps.Count);
        var own = Environment.IsPrivilegedProcess ? 0 : (await IdsAsync(["id", "-u"], 1))[0];
        return new Route(path, own, [.. owners[..program.Count]], [.. steps.Zip(owners[program.Count..])]);

        async Task<uint[]> IdsAsync(string[] command, int count)
        {
            var run = await Command.RunAsync(command, TimeSpan.FromSeconds(10), clock, cancellationToken);
            var lines = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            return run.Succeeded && lines.Length == count
                ? [.. lines.Select(line => uint.Parse(line, NumberStyles.None, CultureInfo.InvariantCulture))]
                : throw new StartupException($"The owners of {path} and of the directories above it cannot be read: {run.Tail}");
        }
    }

    /// <summary>All directories and symbolic links on the way to the path. The last element is the directory that the path resolves to.</summary>
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

            if (steps.Count > MaxSteps)
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

    /// <summary>The route to a directory.</summary>
    /// <param name="Path">The directory, as configured.</param>
    /// <param name="Own">Our user id.</param>
    /// <param name="ProgramOwners">The owners of the service's program and of the directories above it. They are trusted: they can replace the service.</param>
    /// <param name="Steps">The steps from the root to the directory itself, with their owners.</param>
    [UnsupportedOSPlatform("windows")]
    private sealed record Route(string Path, uint Own, HashSet<uint> ProgramOwners, List<(string Path, uint Owner)> Steps)
    {
        /// <summary>Requires that only root, this account and the program's owners can replace files below the step.</summary>
        public void RequireSafe((string Path, uint Owner) step)
        {
            if (step.Owner != 0 && step.Owner != Own && !ProgramOwners.Contains(step.Owner) && PrivateIds.IsMapped(step.Owner))
            {
                throw new StartupException(
                    $"{step.Path} belongs to the user id {step.Owner}, which can replace the files below it: "
                    + $"set Embedded__DataDirectory to a directory that is not below {step.Path}.");
            }

            if (new FileInfo(step.Path).LinkTarget is null
                && File.GetUnixFileMode(step.Path) is var mode && mode.HasFlag(UnixFileMode.OtherWrite) && !mode.HasFlag(UnixFileMode.StickyBit))
            {
                throw new StartupException(
                    $"Every account can replace the files in {step.Path}: run `chmod o-w '{step.Path}'`, "
                    + $"or set Embedded__DataDirectory to a directory that is not below {step.Path}.");
            }
        }
    }
}
