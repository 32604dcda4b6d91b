using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using Npgsql;
using Secrets.Infrastructure.Foundation;
using static Secrets.EmbeddedPostgres.Tests.ServerDirectory;

namespace Secrets.EmbeddedPostgres.Tests;

/// <summary>Other accounts of the machine: programs of nobody, and accounts that could replace the service's files.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class KeepingOthersOut
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Everybodys = Private | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    public KeepingOthersOut()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "written for /proc and the tools of Linux");
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_process_of_nobody_cannot_become_the_databases_superuser()
    {
        SkipUnlessRoot();
        await using var directory = await new ServerDirectory().WithClusterAsync();
        await using var server = directory.Server();
        var connectionString = await server.StartAsync(Ct);
        var rules = Path.Combine(directory.Cluster, "pg_hba.conf");

        // The process appends a rule that admits everybody, and signals the server to read it.
        await TryAsync([
            .. As(Nobody), "sh", "-c", "rules=$(cat \"$1\") && printf 'local all all trust\\n%s\\n' \"$rules\" > \"$1\" && kill -HUP \"$2\" && sleep 1", "sh", rules,
            directory.ServerPid.ToString(CultureInfo.InvariantCulture)]);

        var superuser = new NpgsqlConnectionStringBuilder(connectionString) { Username = "postgres", Password = null, Database = "postgres" };
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => AskAsync(superuser.ConnectionString, "SELECT 1"));
        Assert.DoesNotContain("trust\n", await File.ReadAllTextAsync(rules, Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_process_of_nobody_reaches_neither_socket_nor_files_nor_server()
    {
        SkipUnlessRoot();
        await using var directory = await new ServerDirectory().WithClusterAsync();
        await using var server = directory.Server();
        await server.StartAsync(Ct);
        var id = await directory.ServerIdAsync();
        var process = $"/proc/{directory.ServerPid}";
        string[][] attempts =
        [
            ["test", "-w", directory.In("socket/.s.PGSQL.5432")], // connecting needs write access
            ["ls", directory.Path],
            ["ls", directory.Cluster],
            ["cat", directory.In("pgdata/PG_VERSION")],
            ["cat", directory.In("password")],
            ["ls", directory.In("log")],
            ["cat", $"{process}/environ"],
            ["cat", $"{process}/cwd/PG_VERSION"],
            ["kill", "-0", directory.ServerPid.ToString(CultureInfo.InvariantCulture)],
        ];
        foreach (var attempt in attempts)
        {
            Assert.True((await TryAsync(attempt)).Succeeded, $"root: {string.Join(' ', attempt)}");
            Assert.False((await TryAsync([.. As(Nobody), .. attempt])).Succeeded, $"nobody: {string.Join(' ', attempt)}");
        }

        // The server's own account can read nothing beside the cluster.
        Assert.False((await TryAsync([.. As(id), "cat", directory.In("password")])).Succeeded);
        Assert.False((await TryAsync([.. As(id), "ls", directory.Path])).Succeeded);
        var status = await File.ReadAllTextAsync($"/proc/{directory.ServerPid}/status", Ct);
        Assert.Contains($"Uid:\t{id}\t{id}\t{id}\t{id}", status, StringComparison.Ordinal);
        Assert.Contains($"Gid:\t{id}\t{id}\t{id}\t{id}", status, StringComparison.Ordinal);
        Assert.Contains("CapEff:\t0000000000000000", status, StringComparison.Ordinal);
        Assert.DoesNotContain($":{id}:", await File.ReadAllTextAsync("/etc/passwd", Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_cluster_has_a_user_id_of_its_own_and_keeps_it()
    {
        SkipUnlessRoot();
        await using var one = new ServerDirectory();
        await using var other = new ServerDirectory();
        foreach (var directory in new[] { one, other })
        {
            await using var server = directory.Server();
            await server.StartAsync(Ct);
        }

        var id = await one.ServerIdAsync();
        Assert.NotEqual(id, await other.ServerIdAsync());
        foreach (var file in Directory.EnumerateFileSystemEntries(one.Cluster))
        {
            Assert.Equal(id, await OwnerAsync(file));
        }

        await using var again = one.Server();
        await again.StartAsync(Ct);
        Assert.Equal(id, await one.ServerIdAsync());
    }

    [Theory]
    [InlineData(Nobody)] // created by an earlier version
    [InlineData("0")] // restored without owners
    [InlineData("33")]
    public async Task A_cluster_of_a_shared_account_is_refused_until_its_owner_is_changed(string owner)
    {
        SkipUnlessRoot();
        await using var directory = await new ServerDirectory().WithClusterAsync();
        await RunAsync("chown", "-hR", owner, directory.Cluster);
        await using var server = directory.Server();

        var refusal = await Assert.ThrowsAsync<StartupException>(() => server.StartAsync(Ct));

        Assert.StartsWith($"{directory.Cluster} belongs to the user id {owner}, ", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(owner, await directory.ServerIdAsync());
        await RunAsync("sh", "-c", refusal.Message.Split('`')[1]);
        Assert.Equal(1, await AskAsync(await server.StartAsync(Ct), "SELECT 1"));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite)]
    public async Task A_directory_that_others_can_write_to_is_refused(UnixFileMode write)
    {
        await using var directory = new ServerDirectory("data");
        Directory.CreateDirectory(directory.Path);
        File.SetUnixFileMode(directory.Path, Private | write);

        await MustRefuseAsync(directory, $"Other accounts can write to the data directory {directory.Path}: ");

        File.SetUnixFileMode(directory.Path, Private);
        await MustStartAsync(directory);
    }

    [Fact]
    public async Task A_symbolic_link_is_refused_and_the_error_names_its_target()
    {
        await using var directory = new ServerDirectory("link");
        var real = Directory.CreateDirectory(Path.Combine(directory.Root, "real")).FullName;
        Directory.CreateSymbolicLink(directory.Path, real);

        await MustRefuseAsync(directory, $"The data directory {directory.Path} is a symbolic link: set Embedded__DataDirectory to the directory that it leads to, {real}.");

        Assert.Empty(Directory.EnumerateFileSystemEntries(real));
    }

    [Fact]
    public async Task Below_a_link_of_our_own_the_real_directory_is_checked()
    {
        await using var directory = new ServerDirectory("link/data");
        var real = Directory.CreateDirectory(Path.Combine(directory.Root, "parent/real")).FullName;
        Directory.CreateSymbolicLink(Path.Combine(directory.Root, "link"), "parent/real");
        File.SetUnixFileMode(Path.Combine(directory.Root, "parent"), Everybodys);

        await MustRefuseAsync(directory, $"Every account can replace the files in {Path.Combine(directory.Root, "parent")}: ");

        File.SetUnixFileMode(Path.Combine(directory.Root, "parent"), Private | UnixFileMode.OtherExecute);
        Assert.Single(Directory.EnumerateFileSystemEntries(real));
    }

    [Fact]
    public async Task A_parent_that_every_account_can_write_to_is_refused_unless_it_is_sticky()
    {
        await using var directory = new ServerDirectory("parent/data");
        var parent = Directory.CreateDirectory(Path.Combine(directory.Root, "parent")).FullName;
        File.SetUnixFileMode(directory.Root, Private | UnixFileMode.OtherExecute);
        File.SetUnixFileMode(parent, Everybodys);

        await MustRefuseAsync(directory, $"Every account can replace the files in {parent}: run `chmod o-w '{parent}'`");

        File.SetUnixFileMode(parent, Everybodys | UnixFileMode.StickyBit);
        await MustStartAsync(directory);
    }

    [Theory]
    [InlineData("parent/data", "The data directory {0} belongs to the user id 65534, and the service runs as ")]
    [InlineData("parent", "{0} belongs to the user id 65534, which can replace the files below it: ")]
    public async Task A_directory_of_another_account_is_refused(string whose, string refusal)
    {
        SkipUnlessRoot();
        await using var directory = new ServerDirectory("parent/data");
        Directory.CreateDirectory(directory.Path);
        var theirs = Path.Combine(directory.Root, whose);
        await RunAsync("chown", Nobody, theirs);

        await MustRefuseAsync(directory, string.Format(CultureInfo.InvariantCulture, refusal, theirs));
    }

    [Fact]
    public async Task A_link_of_another_account_above_the_directory_is_refused()
    {
        SkipUnlessRoot();
        await using var directory = new ServerDirectory("link/data");
        Directory.CreateDirectory(Path.Combine(directory.Root, "real"));
        var link = Path.Combine(directory.Root, "link");
        Directory.CreateSymbolicLink(link, "real");
        await RunAsync("chown", "-h", Nobody, link);

        await MustRefuseAsync(directory, $"{link} belongs to the user id 65534, ");
    }

    [Fact]
    public async Task An_ordinary_account_checks_the_same()
    {
        // Under an ordinary account the tests above cover this. Under root they run again as nobody.
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "the other tests cover an ordinary account");
        var program = Path.ChangeExtension(typeof(KeepingOthersOut).Assembly.Location, null);
        Assert.SkipUnless((await TryAsync([.. As(Nobody), "test", "-x", program])).Succeeded, $"the account nobody cannot reach {program}");

        string[] command = [.. As(Nobody), program, "-noLogo", "-class", typeof(KeepingOthersOut).FullName!];
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { UseShellExecute = false, WorkingDirectory = "/", RedirectStandardOutput = true };
        start.Environment["HOME"] = "/nonexistent";
        using var run = Process.Start(start)!;
        var output = await run.StandardOutput.ReadToEndAsync(Ct);
        await run.WaitForExitAsync(Ct);

        Assert.True(run.ExitCode == 0, output);
        Assert.Contains("Failed: 0", output, StringComparison.Ordinal);
    }

    private static void SkipUnlessRoot() => Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root");

    private static async Task MustRefuseAsync(ServerDirectory directory, string sentence)
    {
        await using var server = directory.Server();
        var refusal = await Assert.ThrowsAsync<StartupException>(() => server.StartAsync(Ct));
        Assert.StartsWith(sentence, refusal.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(directory.In("lock")));
    }

    private static async Task MustStartAsync(ServerDirectory directory)
    {
        await directory.WithClusterAsync();
        await using var server = directory.Server();
        Assert.Equal(1, await AskAsync(await server.StartAsync(Ct), "SELECT 1"));
    }
}
