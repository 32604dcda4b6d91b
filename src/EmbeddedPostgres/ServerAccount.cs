using System.Globalization;

namespace Secrets.EmbeddedPostgres;

/// <summary>
/// The account that the server runs as. PostgreSQL refuses to run as root, so a service of root runs it under a user id that no other program has, and
/// the cluster belongs to that id. Every other account runs the server as itself.
/// </summary>
internal sealed class ServerAccount
{
    // initdb needs an account with a name. It runs once, under the server's own group, so other processes of this account can neither enter its directory
    // nor inspect it.
    private const string InitDbUser = "nobody";

    private const string Advice = "run the service as an ordinary account, or use Database__Provider=Postgres";

    // The server's programs look for each other with access(2), which honours the capability only under no_setuid_fixup.
    private static readonly string[] DacReadSearch =
    [
        "--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search", "--securebits=+no_setuid_fixup",
    ];

    private readonly string _setpriv;
    private readonly TimeProvider _clock;

    private ServerAccount(string setpriv, string? id, bool hasDacReadSearch, TimeProvider clock)
    {
        _setpriv = setpriv;
        _clock = clock;
        Id = id;
        HasDacReadSearch = hasDacReadSearch;
    }

    /// <summary>The user id and group id of the server; null if it runs as this account.</summary>
    public string? Id { get; }

    /// <summary>Whether the server gets the capability dac_read_search, which reads files and directories whatever their mode.</summary>
    public bool HasDacReadSearch { get; }

    /// <summary>The account to which a cluster belongs, or a new one before the first start.</summary>
    /// <exception cref="StartupException">This account cannot run a server, or the cluster belongs to an account that other programs use.</exception>
    public static async Task<ServerAccount> ChooseAsync(string? cluster, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows() || !Environment.IsPrivilegedProcess)
        {
            return new ServerAccount("", id: null, hasDacReadSearch: false, clock);
        }

        if (!OperatingSystem.IsLinux())
        {
            throw new StartupException($"PostgreSQL refuses to run as root: {Advice}.");
        }

        if (Command.Find("setpriv") is not { } setpriv)
        {
            throw new StartupException(
                $"PostgreSQL refuses to run as root, and setpriv, which starts it as another account, is missing: install util-linux, or {Advice}.");
        }

        var id = PrivateIds.New()
            ?? throw new StartupException($"PostgreSQL refuses to run as root, and this container has no unassigned user id for it: {Advice}.");
        var account = new ServerAccount(setpriv, id.ToString(CultureInfo.InvariantCulture), hasDacReadSearch: false, clock);
        return cluster is null ? account : new ServerAccount(setpriv, await account.OwnerOfAsync(cluster, cancellationToken), hasDacReadSearch: false, clock);
    }

    /// <summary>The command that runs a program as this account.</summary>
    public string[] Prefixed(params ReadOnlySpan<string> command) => Id is null ? [.. command] : [.. SetPriv(Id), .. command];

    public Task<Command.Result> RunAsync(TimeSpan limit, CancellationToken cancellationToken, params ReadOnlySpan<string> command) =>
        Command.RunAsync(Prefixed(command), limit, _clock, cancellationToken);

    /// <summary>Runs initdb, which gets the directory and everything in it. The new cluster then belongs to this account.</summary>
    public async Task<Command.Result> RunInitDbAsync(string directory, string cluster, IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        var limit = TimeSpan.FromMinutes(5);
        if (Id is null)
        {
            return await Command.RunAsync(command, limit, _clock, cancellationToken);
        }

        await AsRootAsync(["chown", "-hR", $"{InitDbUser}:{Id}", directory], cancellationToken);
        var run = await Command.RunAsync([.. SetPriv(InitDbUser), .. command], limit, _clock, cancellationToken);
        if (run.Succeeded)
        {
            await AsRootAsync(["chown", "-hR", $"{Id}:{Id}", cluster], cancellationToken);
        }

        return run;
    }

    /// <summary>
    /// This account if it can run the binaries and enter the directories, else this account with dac_read_search. A clone in root's home needs
    /// that: only root can pass through the home, whatever the modes below.
    /// </summary>
    /// <exception cref="StartupException">The capability does not suffice either.</exception>
    public async Task<ServerAccount> WithAccessToAsync(PostgresBinaries binaries, IReadOnlyList<string> directories, CancellationToken cancellationToken)
    {
        if (Id is null || await ObstacleAsync(binaries, directories, cancellationToken) is not { } obstacle)
        {
            return this;
        }

        var more = new ServerAccount(_setpriv, Id, hasDacReadSearch: true, _clock);
        if (await more.ObstacleAsync(binaries, directories, cancellationToken) is not { } second)
        {
            return more;
        }

        throw new StartupException(
            "PostgreSQL refuses to run as root, and the account that runs it instead cannot reach its files "
            + $"({obstacle}; with the capability dac_read_search: {second}): set Embedded__DataDirectory and "
            + "Embedded__BinariesDirectory to directories that every account can enter, or run the service as an ordinary account.");
    }

    /// <summary>Makes this account the owner of a file or directory.</summary>
    public async Task TakeOwnershipAsync(string path, CancellationToken cancellationToken)
    {
        if (Id is not null)
        {
            await AsRootAsync(["chown", "-h", $"{Id}:{Id}", path], cancellationToken);
        }
    }

    /// <summary>Gives a file or directory the group of this account.</summary>
    public async Task TakeGroupAsync(string path, CancellationToken cancellationToken)
    {
        if (Id is not null)
        {
            await AsRootAsync(["chgrp", "-h", Id, path], cancellationToken);
        }
    }

    private string[] SetPriv(string user) =>
        [_setpriv, $"--reuid={user}", $"--regid={Id}", "--clear-groups", "--no-new-privs", .. HasDacReadSearch ? DacReadSearch : []];

    private async Task<string> OwnerOfAsync(string cluster, CancellationToken cancellationToken)
    {
        var owner = (await AsRootAsync(["stat", "-c", "%u", cluster], cancellationToken)).Output.Trim();
        return PrivateIds.Contains(uint.Parse(owner, NumberStyles.None, CultureInfo.InvariantCulture)) ? owner : throw new StartupException(
            $"{cluster} belongs to the user id {owner}, which other programs may use, so they may have changed the database (earlier versions used nobody): "
            + $"move {Path.GetDirectoryName(cluster)} away to begin with an empty database, or, if you trust the database, "
            + $"run `chown -hR {Id}:{Id} '{cluster}'`.");
    }

    // Only a try covers everything: modes, ACLs, mount options, the rights of the container.
    private async Task<string?> ObstacleAsync(PostgresBinaries binaries, IReadOnlyList<string> directories, CancellationToken cancellationToken)
    {
        var limit = TimeSpan.FromSeconds(10);
        foreach (var program in new[] { binaries.Server, binaries.PgCtl, binaries.InitDb })
        {
            var run = await RunAsync(limit, cancellationToken, program, "--version");
            if (!run.Succeeded)
            {
                return run.Tail;
            }
        }

        // pg_ctl and initdb look for `postgres` beside themselves with access(2). --version does not.
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
