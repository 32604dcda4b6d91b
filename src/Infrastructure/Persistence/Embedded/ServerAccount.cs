namespace Secrets.Infrastructure.Persistence.Embedded;

/// <summary>
/// Who the server runs as. The server refuses to run as root, so under root it runs as <c>nobody</c> on directories which that
/// account owns; everybody else runs it as themselves.
/// </summary>
internal sealed class ServerAccount
{
    private const string User = "nobody";

    // With no_setuid_fixup, access(2) honours the capability: the server's programs look for each other with it.
    private static readonly string[] ReadAnything =
    [
        "--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search", "--securebits=+no_setuid_fixup",
    ];

    private readonly string[] _switch;
    private readonly TimeProvider _clock;

    private ServerAccount(string[] @switch, string? group, bool readsAnything, TimeProvider clock)
    {
        _switch = @switch;
        _clock = clock;
        Group = group;
        ReadsAnything = readsAnything;
    }

    /// <summary>The group of the other account, or null when the server runs as ourselves.</summary>
    public string? Group { get; }

    /// <summary>The other account got the right to read past directory permissions.</summary>
    public bool ReadsAnything { get; }

    public static ServerAccount Choose(TimeProvider clock)
    {
        if (OperatingSystem.IsWindows() || !Environment.IsPrivilegedProcess)
        {
            return new ServerAccount([], null, false, clock);
        }

        const string Advice = "run the service as an ordinary account, or use Database__Provider=Postgres";
        if (!OperatingSystem.IsLinux())
        {
            throw new StartupException($"PostgreSQL refuses to run as root: {Advice}.");
        }

        if (Command.Find("setpriv") is not { } setpriv)
        {
            throw new StartupException(
                "PostgreSQL refuses to run as root, and setpriv, which would start it as another account, is missing: "
                + $"install util-linux, or {Advice}.");
        }

        // Debian calls the group nogroup; Alpine and Fedora call it nobody.
        var groups = Names("/etc/group");
        var group = Array.Find(["nogroup", User], groups.Contains);
        if (group is null || !Names("/etc/passwd").Contains(User))
        {
            throw new StartupException(
                $"PostgreSQL refuses to run as root, and there is no account {User} with a group nogroup or nobody to run it as: {Advice}.");
        }

        return new ServerAccount(
            [setpriv, $"--reuid={User}", $"--regid={group}", "--clear-groups", "--no-new-privs"], group, false, clock);
    }

    public string[] Prefixed(params ReadOnlySpan<string> command) => [.. _switch, .. command];

    public Task<Command.Result> RunAsync(TimeSpan limit, CancellationToken cancellationToken, params ReadOnlySpan<string> command) =>
        Command.RunAsync(Prefixed(command), limit, _clock, cancellationToken);

    /// <summary>
    /// This account, or one with more rights, such that it can run the binaries and enter the directories. A clone in root's
    /// home is below a directory that only root can traverse, whatever the modes further down.
    /// </summary>
    public async Task<ServerAccount> ReachingAsync(
        PostgresBinaries binaries, IReadOnlyList<string> directories, CancellationToken cancellationToken)
    {
        if (Group is null || await ObstacleAsync(binaries, directories, cancellationToken) is not { } obstacle)
        {
            return this;
        }

        var more = new ServerAccount([.. _switch, .. ReadAnything], Group, readsAnything: true, _clock);
        if (await more.ObstacleAsync(binaries, directories, cancellationToken) is not { } second)
        {
            return more;
        }

        throw new StartupException(
            $"PostgreSQL refuses to run as root, and the account {User}, which runs it instead, cannot reach what it needs "
            + $"({obstacle}; with the capability dac_read_search: {second}): set Embedded__DataDirectory and "
            + "Embedded__BinariesDirectory to places that every account can enter, or run the service as an ordinary account.");
    }

    public async Task OwnAsync(string path, CancellationToken cancellationToken)
    {
        if (Group is not null)
        {
            await AsRootAsync(["chown", $"{User}:{Group}", path], cancellationToken);
        }
    }

    public async Task ShareAsync(string path, CancellationToken cancellationToken)
    {
        if (Group is not null)
        {
            await AsRootAsync(["chgrp", Group, path], cancellationToken);
        }
    }

    public async Task RequireOwnerAsync(string path, CancellationToken cancellationToken)
    {
        if (Group is null)
        {
            return;
        }

        var owner = (await AsRootAsync(["stat", "-c", "%U", path], cancellationToken)).Output.Trim();
        if (owner is not User)
        {
            throw new StartupException(
                $"{path} belongs to the account {owner}, and the service runs as root: run it as {owner}, "
                + "or set Embedded__DataDirectory to another directory.");
        }
    }

    private static HashSet<string> Names(string file) =>
        File.Exists(file)
            ? File.ReadLines(file).Select(line => line.Split(':')[0]).ToHashSet(StringComparer.Ordinal)
            : [];

    // Trying is the only test that counts everything: modes, ACLs, mount options, what the container may do.
    private async Task<string?> ObstacleAsync(
        PostgresBinaries binaries, IReadOnlyList<string> directories, CancellationToken cancellationToken)
    {
        var limit = TimeSpan.FromSeconds(10);
        foreach (var program in new[] { binaries.Server, binaries.Control, binaries.InitDb })
        {
            var run = await RunAsync(limit, cancellationToken, program, "--version");
            if (!run.Succeeded)
            {
                return run.Tail;
            }
        }

        // pg_ctl and initdb find `postgres` beside themselves with access(2), which a mere --version does not try.
        string[] test = ["test", "-r", binaries.Server, "-a", "-x", binaries.Server];
        if (!(await RunAsync(limit, cancellationToken, test)).Succeeded)
        {
            return $"{binaries.Server} cannot be read";
        }

        var script = string.Join(" && ", directories.Select((_, index) => $"cd \"${{{index + 1}}}\""));
        var entered = await RunAsync(limit, cancellationToken, ["sh", "-c", script, "sh", .. directories]);
        return entered.Succeeded ? null : entered.Tail;
    }

    private async Task<Command.Result> AsRootAsync(string[] command, CancellationToken cancellationToken)
    {
        var run = await Command.RunAsync(command, TimeSpan.FromSeconds(10), _clock, cancellationToken);
        return run.Succeeded
            ? run
            : throw new StartupException($"`{string.Join(' ', command)}` failed: {run.Tail}");
    }
}
