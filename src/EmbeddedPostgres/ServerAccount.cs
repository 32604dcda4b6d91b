using System.Globalization;
using Secrets.Infrastructure.Foundation;

namespace Secrets.EmbeddedPostgres;

/// <summary>
/// Who the server runs as. The server refuses to run as root, so under root it runs under a user id that nothing else has, and its cluster belongs
/// to that id; everybody else runs it as themselves.
/// </summary>
internal sealed class ServerAccount
{
    // initdb wants an account with a name. It runs once, under the server's own group: no other process of this account can enter where it works, or look into it.
    private const string InitDbUser = "nobody";

    private const string Advice = "run the service as an ordinary account, or use Database__Provider=Postgres";

    // With no_setuid_fixup, access(2) honours the capability: the server's programs look for each other with it.
    private static readonly string[] ReadAnything =
    [
        "--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search", "--securebits=+no_setuid_fixup",
    ];

    private readonly string _setpriv;
    private readonly TimeProvider _clock;

    private ServerAccount(string setpriv, string? id, bool readsAnything, TimeProvider clock)
    {
        _setpriv = setpriv;
        _clock = clock;
        Id = id;
        ReadsAnything = readsAnything;
    }

    /// <summary>The number of the other account, and of its group; null: the server runs as ourselves.</summary>
    public string? Id { get; }

    /// <summary>The other account got the right to read past directory permissions.</summary>
    public bool ReadsAnything { get; }

    /// <summary>The account that a cluster belongs to; a new one where there is no cluster yet.</summary>
    public static async Task<ServerAccount> ChooseAsync(string? cluster, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows() || !Environment.IsPrivilegedProcess)
        {
            return new ServerAccount("", id: null, readsAnything: false, clock);
        }

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

        var id = PrivateIds.New()
            ?? throw new StartupException($"PostgreSQL refuses to run as root, and this container has no user id to spare that it could run as: {Advice}.");
        var account = new ServerAccount(setpriv, id.ToString(CultureInfo.InvariantCulture), readsAnything: false, clock);
        return cluster is null ? account : new ServerAccount(setpriv, await account.OwnerOfAsync(cluster, cancellationToken), readsAnything: false, clock);
    }

    public string[] Prefixed(params ReadOnlySpan<string> command) => Id is null ? [.. command] : [.. Switch(Id), .. command];

    public Task<Command.Result> RunAsync(TimeSpan limit, CancellationToken cancellationToken, params ReadOnlySpan<string> command) =>
        Command.RunAsync(Prefixed(command), limit, _clock, cancellationToken);

    /// <summary>Runs initdb, to which the directory is given with all that is in it. The cluster that it makes there then belongs to this account.</summary>
    public async Task<Command.Result> RunInitDbAsync(string directory, string cluster, IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        var limit = TimeSpan.FromMinutes(5);
        if (Id is null)
        {
            return await Command.RunAsync(command, limit, _clock, cancellationToken);
        }

        await AsRootAsync(["chown", "-hR", $"{InitDbUser}:{Id}", directory], cancellationToken);
        var run = await Command.RunAsync([.. Switch(InitDbUser), .. command], limit, _clock, cancellationToken);
        if (run.Succeeded)
        {
            await AsRootAsync(["chown", "-hR", $"{Id}:{Id}", cluster], cancellationToken);
        }

        return run;
    }

    /// <summary>
    /// This account, or one with more rights, such that it can run the binaries and enter the directories. A clone in root's
    /// home is below a directory that only root can traverse, whatever the modes further down.
    /// </summary>
    public async Task<ServerAccount> ReachingAsync(
        PostgresBinaries binaries, IReadOnlyList<string> directories, CancellationToken cancellationToken)
    {
        if (Id is null || await ObstacleAsync(binaries, directories, cancellationToken) is not { } obstacle)
        {
            return this;
        }

        var more = new ServerAccount(_setpriv, Id, readsAnything: true, _clock);
        if (await more.ObstacleAsync(binaries, directories, cancellationToken) is not { } second)
        {
            return more;
        }

        throw new StartupException(
            "PostgreSQL refuses to run as root, and the account that runs it instead cannot reach what it needs "
            + $"({obstacle}; with the capability dac_read_search: {second}): set Embedded__DataDirectory and "
            + "Embedded__BinariesDirectory to places that every account can enter, or run the service as an ordinary account.");
    }

    public async Task OwnAsync(string path, CancellationToken cancellationToken)
    {
        if (Id is not null)
        {
            await AsRootAsync(["chown", "-h", $"{Id}:{Id}", path], cancellationToken);
        }
    }

    public async Task ShareAsync(string path, CancellationToken cancellationToken)
    {
        if (Id is not null)
        {
            await AsRootAsync(["chgrp", "-h", Id, path], cancellationToken);
        }
    }

    private string[] Switch(string user) =>
        [_setpriv, $"--reuid={user}", $"--regid={Id}", "--clear-groups", "--no-new-privs", .. ReadsAnything ? ReadAnything : []];

    private async Task<string> OwnerOfAsync(string cluster, CancellationToken cancellationToken)
    {
        var owner = (await AsRootAsync(["stat", "-c", "%u", cluster], cancellationToken)).Output.Trim();
        return PrivateIds.Contains(uint.Parse(owner, NumberStyles.None, CultureInfo.InvariantCulture)) ? owner : throw new StartupException(
            $"{cluster} belongs to the user id {owner}, as which other programs may run too, and they may have changed it (earlier versions used nobody): move "
            + $"{Path.GetDirectoryName(cluster)} away to begin with an empty database, or, if you trust what is in it, run `chown -hR {Id}:{Id} '{cluster}'`.");
    }

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
