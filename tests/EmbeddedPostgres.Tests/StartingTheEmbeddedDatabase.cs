using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using Npgsql;
using Secrets.Infrastructure.Foundation;
using static Secrets.EmbeddedPostgres.Tests.ServerDirectory;

namespace Secrets.EmbeddedPostgres.Tests;

[UnsupportedOSPlatform("windows")]
public sealed class StartingTheEmbeddedDatabase
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public StartingTheEmbeddedDatabase()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "written for /proc and the tools of Linux");
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_first_start_closes_its_files_and_stays_off_the_network()
    {
        await using var directory = new ServerDirectory();
        await using var server = directory.Server();

        var connectionString = await server.StartAsync(Ct);

        Assert.Equal("secrets", await AskAsync(connectionString, "SELECT current_user", "postgres"));
        Assert.Equal("secrets", new NpgsqlConnectionStringBuilder(connectionString).Database);
        Assert.Equal(
            Environment.IsPrivilegedProcess ? Private | UnixFileMode.GroupExecute : Private, File.GetUnixFileMode(directory.Path));
        foreach (var closed in new[] { directory.Cluster, directory.In("socket"), directory.In("log") })
        {
            Assert.Equal(Private, File.GetUnixFileMode(closed));
        }

        foreach (var file in new[] { "password", "lock" }.Select(directory.In).Concat(Directory.GetFiles(directory.In("log"))))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }

        Assert.Empty(ListeningTcpSockets(directory.ServerPid));
        Assert.Equal("C", await AskAsync(connectionString, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'", "postgres"));
        Assert.Equal("on", await AskAsync(connectionString, "SHOW data_checksums", "postgres"));
    }

    [Fact]
    public async Task The_services_role_can_make_databases_and_not_read_files()
    {
        await using var directory = await new ServerDirectory().WithClusterAsync();
        await using var server = directory.Server();
        var connectionString = await server.StartAsync(Ct);

        await AskAsync(connectionString, "CREATE DATABASE another");
        var refused = await Assert.ThrowsAsync<PostgresException>(
            () => AskAsync(connectionString, "SELECT pg_read_file('/etc/passwd')"));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);

        // Reaching the socket is not enough: a connection needs the password.
        var without = new NpgsqlConnectionStringBuilder(connectionString) { Password = "guess", Username = "postgres" };
        await Assert.ThrowsAsync<PostgresException>(() => AskAsync(without.ConnectionString, "SELECT 1"));
    }

    [Fact]
    public async Task No_password_and_no_value_reaches_a_command_line_an_environment_or_a_log()
    {
        await using var directory = await new ServerDirectory().WithClusterAsync();
        await using var server = directory.Server();
        var connectionString = await server.StartAsync(Ct);
        var pid = directory.ServerPid;

        await AskAsync(connectionString, "CREATE TABLE t (name text PRIMARY KEY); INSERT INTO t VALUES ('hunter2')");
        foreach (var wrong in new[]
        {
            "INSERT INTO t VALUES ('hunter2')", "SELECT 'hunter2'::int", "SELECT hunter2()", "SELEC 'hunter2'",
        })
        {
            await Assert.ThrowsAsync<PostgresException>(() => AskAsync(connectionString, wrong));
        }

        var commandLine = await File.ReadAllTextAsync($"/proc/{pid}/cmdline", Ct);
        var environment = await RunAsync([.. As(await directory.ServerIdAsync()), "cat", $"/proc/{pid}/environ"]);
        await server.StopAsync(Ct);
        var log = string.Concat(Directory.GetFiles(directory.In("log")).Select(File.ReadAllText));
        Assert.Contains("database system is shut down", log, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", log, StringComparison.Ordinal);

        var password = await File.ReadAllTextAsync(directory.In("password"), Ct);
        Assert.DoesNotContain(password, commandLine + environment + log, StringComparison.Ordinal);
        Assert.DoesNotContain("HOME=", environment, StringComparison.Ordinal);
        Assert.DoesNotContain(directory.Log.All, message => message.Contains(password, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_restart_keeps_the_data_and_takes_less_than_a_second()
    {
        await using var directory = await new ServerDirectory().WithClusterAsync();
        await using var server = directory.Server();
        await AskAsync(await server.StartAsync(Ct), "CREATE TABLE kept AS SELECT 42 AS answer");
        await server.StopAsync(Ct);
        await server.StopAsync(Ct);
        Assert.False(File.Exists(directory.PidFile));

        var watch = Stopwatch.StartNew();
        var connectionString = await server.StartAsync(Ct);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(3)); // 1 s is promised on an idle machine
        TestContext.Current.SendDiagnosticMessage("warm start: {0} ms", watch.ElapsedMilliseconds);

        Assert.Equal(42, await AskAsync(connectionString, "SELECT answer FROM kept"));
        Assert.Equal(connectionString, await server.StartAsync(Ct));
    }

    [Fact]
    public async Task A_second_instance_on_one_directory_is_refused_and_the_error_names_the_first()
    {
        await using var directory = await new ServerDirectory().WithClusterAsync();
        await using var first = directory.Server();
        var connectionString = await first.StartAsync(Ct);
        await using var second = directory.Server();

        var refusal = await Assert.ThrowsAsync<StartupException>(() => second.StartAsync(Ct));

        Assert.Contains(directory.Path, refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"process {Environment.ProcessId}", refusal.Message, StringComparison.Ordinal);
        await second.DisposeAsync();
        Assert.Equal(1, await AskAsync(connectionString, "SELECT 1"));
    }

    [Theory]
    [InlineData("2147483000")] // no such process
    [InlineData("garbage")]
    [InlineData("")]
    public async Task A_pid_file_of_a_server_that_is_gone_is_no_obstacle(string pid)
    {
        await using var directory = await new ServerDirectory().WithClusterAsync();
        await WritePidFileAsync(directory, pid);
        await using var server = directory.Server();

        Assert.Equal(1, await AskAsync(await server.StartAsync(Ct), "SELECT 1"));
    }

    [Fact]
    public async Task A_process_that_reused_the_pid_is_left_alone()
    {
        await using var directory = await new ServerDirectory().WithClusterAsync();
        // Under the server's account: PostgreSQL itself recognises a pid of another account as stale.
        using var stranger = Process.Start(Describe([.. As(await directory.ServerIdAsync()), "sleep", "60"]))!;
        var number = stranger.Id.ToString(CultureInfo.InvariantCulture);
        try
        {
            await UntilAsync(() => File.ReadAllText($"/proc/{number}/comm").StartsWith("sleep", StringComparison.Ordinal), "sleep runs");
            await WritePidFileAsync(directory, number);
            var sockets = directory.In("socket");
            Directory.CreateDirectory(sockets);
            await File.WriteAllTextAsync(Path.Combine(sockets, ".s.PGSQL.5432.lock"), number + "\n", Ct);
            await using var server = directory.Server();

            Assert.Equal(1, await AskAsync(await server.StartAsync(Ct), "SELECT 1"));
            Assert.False(stranger.HasExited);
        }
        finally
        {
            stranger.Kill();
        }
    }

    [Fact]
    public async Task A_server_of_another_directory_is_left_alone()
    {
        await using var other = await new ServerDirectory().WithClusterAsync();
        await using var neighbour = other.Server();
        var neighbours = await neighbour.StartAsync(Ct);
        await using var directory = await new ServerDirectory().WithClusterAsync();
        await WritePidFileAsync(directory, other.ServerPid.ToString(CultureInfo.InvariantCulture));
        await using var server = directory.Server();

        Assert.Equal(1, await AskAsync(await server.StartAsync(Ct), "SELECT 1"));
        Assert.Equal(1, await AskAsync(neighbours, "SELECT 1"));
    }

    [Fact]
    public async Task A_server_that_outlived_its_service_is_stopped_and_replaced()
    {
        await using var directory = await new ServerDirectory().WithClusterAsync();
        var binaries = await BinariesAsync();
        var sockets = directory.In("socket");
        Directory.CreateDirectory(sockets, Private);
        var id = await directory.ServerIdAsync();
        await RunAsync("chown", id, sockets);
        var start = Describe(
            [.. As(id), binaries.Server, "-D", directory.Cluster, "-c", "listen_addresses=", "-c", $"unix_socket_directories={sockets}", "-c", "fsync=off"]);
        start.RedirectStandardError = true;
        using var orphan = Process.Start(start)!;
        await UntilAsync(() => PostmasterFile.Read(directory.Cluster) is { Ready: true }, "the orphan is ready");
        await using var server = directory.Server();

        Assert.Equal(1, await AskAsync(await server.StartAsync(Ct), "SELECT 1"));

        await orphan.WaitForExitAsync(Ct);
        Assert.Equal(0, orphan.ExitCode);
        Assert.NotEqual(orphan.Id, directory.ServerPid);
        Assert.Contains(directory.Log.All, message => message.Contains($"process {orphan.Id}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_interrupted_first_start_is_repeated()
    {
        await using var directory = new ServerDirectory();
        var half = directory.In("initdb-0123abcd");
        Directory.CreateDirectory(Path.Combine(half, "pgdata", "base"), Private);
        await File.WriteAllTextAsync(Path.Combine(half, "pgdata", "PG_VERSION"), "18\n", Ct);
        await File.WriteAllTextAsync(directory.In("password"), "of the start that was interrupted", Ct);
        await File.WriteAllTextAsync(directory.In("lock"), "", Ct);
        Directory.CreateDirectory(directory.Cluster, Private);
        await using var server = directory.Server();

        Assert.Equal(1, await AskAsync(await server.StartAsync(Ct), "SELECT 1", "postgres"));
        Assert.Empty(Directory.GetDirectories(directory.Path, "initdb-*"));
    }

    [Fact]
    public async Task A_directory_that_is_no_cluster_is_never_deleted()
    {
        await using var directory = new ServerDirectory();
        Directory.CreateDirectory(directory.Cluster, Private);
        await File.WriteAllTextAsync(Path.Combine(directory.Cluster, "precious"), "data", Ct);
        await using var server = directory.Server();

        var refusal = await Assert.ThrowsAsync<StartupException>(() => server.StartAsync(Ct));

        Assert.Contains(directory.Cluster, refusal.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(directory.Cluster, "precious")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // as on macOS and Windows
    public async Task A_killed_server_is_restarted_under_the_same_address(bool throughPgCtl)
    {
        await using var directory = await new ServerDirectory().WithClusterAsync();
        var options = directory.Options();
        options.ThroughPgCtl = throughPgCtl;
        await using var server = directory.Server(options);
        var connectionString = await server.StartAsync(Ct);
        await AskAsync(connectionString, "CREATE TABLE kept AS SELECT 42 AS answer");
        for (var round = 1; round <= 2; round++)
        {
            var killed = directory.ServerPid;
            using (var process = Process.GetProcessById(killed)) process.Kill();

            await UntilAsync(
                () => !IsAlive(killed) && PostmasterFile.Read(directory.Cluster) is { Ready: true } now && now.Pid != killed, "it is back");
            Assert.Equal(42, await AskAsync(connectionString, "SELECT answer FROM kept"));
        }

        var last = directory.ServerPid;
        await server.StopAsync(Ct);
        Assert.False(IsAlive(last));
        Assert.Contains(directory.Log.All, message => message.Contains("ended unexpectedly", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_failed_start_reports_the_servers_message_and_releases_the_directory(bool throughPgCtl)
    {
        await using var directory = await new ServerDirectory().WithClusterAsync();
        var options = directory.Options();
        options.ThroughPgCtl = throughPgCtl;
        options.Settings["shared_buffers"] = "lots";
        await using var server = directory.Server(options);

        var refusal = await Assert.ThrowsAsync<StartupException>(() => server.StartAsync(Ct));

        Assert.Contains("invalid value for parameter \"shared_buffers\": \"lots\"", refusal.Message, StringComparison.Ordinal);
        await using var next = directory.Server();
        await next.StartAsync(Ct);
    }

    [Fact]
    public async Task Without_the_password_the_error_says_what_to_restore()
    {
        await using var directory = await new ServerDirectory().WithClusterAsync();
        var password = directory.In("password");
        File.Move(password, password + ".away");
        await using var server = directory.Server();
        var lost = await Assert.ThrowsAsync<StartupException>(() => server.StartAsync(Ct));
        Assert.Contains($"restore {password}", lost.Message, StringComparison.Ordinal);

        await File.WriteAllTextAsync(password, "another", Ct);
        var wrong = await Assert.ThrowsAsync<StartupException>(() => server.StartAsync(Ct));
        Assert.Contains("restore both", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_directory_with_a_very_long_path_gets_its_socket_elsewhere()
    {
        await using var directory = new ServerDirectory(new string('d', 120) + "/data, with: marks");
        File.SetUnixFileMode(directory.Root, Private | UnixFileMode.OtherExecute);
        await directory.WithClusterAsync();
        await using var server = directory.Server();

        var connectionString = await server.StartAsync(Ct);

        Assert.Equal(1, await AskAsync(connectionString, "SELECT 1"));
        var sockets = new NpgsqlConnectionStringBuilder(connectionString).Host!;
        Assert.Equal(Private, File.GetUnixFileMode(sockets));
        await server.StopAsync(Ct);
        Assert.False(Directory.Exists(sockets));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/tmp")]
    [InlineData("/etc")]
    public async Task A_directory_that_others_use_is_refused(string shared)
    {
        var before = File.GetUnixFileMode(shared);
        await using var server = new EmbeddedServer(
            new EmbeddedOptions { DataDirectory = shared }, new Messages(), TimeProvider.System);

        var refusal = await Assert.ThrowsAsync<StartupException>(() => server.StartAsync(Ct));

        Assert.Contains("a directory of its own", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.GetUnixFileMode(shared));
    }

    [Fact]
    public async Task Root_can_keep_data_and_programs_below_a_directory_that_only_root_enters()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root");
        await using var directory = new ServerDirectory("closed/parent/data");
        Directory.CreateDirectory(Path.Combine(directory.Root, "closed"));
        var native = Path.GetDirectoryName((await BinariesAsync()).Directory)!;
        await RunAsync("cp", "-a", native, Path.Combine(directory.Root, "closed"));
        File.SetUnixFileMode(Path.Combine(directory.Root, "closed"), Private);
        await using var server = directory.Server(
            directory.Options(Path.Combine(directory.Root, "closed", Path.GetFileName(native), "bin")));

        Assert.Equal(1, await AskAsync(await server.StartAsync(Ct), "SELECT 1", "postgres"));

        var status = await File.ReadAllTextAsync($"/proc/{directory.ServerPid}/status", Ct);
        Assert.Contains($"Uid:\t{await directory.ServerIdAsync()}\t", status, StringComparison.Ordinal);
        Assert.Contains("CapEff:\t0000000000000004", status, StringComparison.Ordinal); // dac_read_search, and no other
        Assert.Contains(directory.Log.All, message => message.Contains("dac_read_search", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_ordinary_account_runs_the_server_as_itself()
    {
        // Under an ordinary account the first test above covers this. Under root it runs again as nobody.
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "the other tests cover an ordinary account");
        var program = Path.ChangeExtension(typeof(StartingTheEmbeddedDatabase).Assembly.Location, null);
        Assert.SkipUnless((await TryAsync([.. As(Nobody), "test", "-x", program])).Succeeded, $"the account nobody cannot reach {program}");

        var start = Describe(
            [.. As(Nobody), program, "-noLogo", "-method", $"{typeof(StartingTheEmbeddedDatabase).FullName}.{nameof(A_first_start_closes_its_files_and_stays_off_the_network)}"]);
        start.RedirectStandardOutput = true;
        start.Environment["HOME"] = "/nonexistent";
        using var run = Process.Start(start)!;
        var output = await run.StandardOutput.ReadToEndAsync(Ct);
        await run.WaitForExitAsync(Ct);

        Assert.True(run.ExitCode == 0, output);
        Assert.Contains("Total: 1", output, StringComparison.Ordinal);
    }

    private static async Task WritePidFileAsync(ServerDirectory directory, string pid)
    {
        await File.WriteAllTextAsync(
            directory.PidFile,
            pid.Length == 0 ? "" : $"{pid}\n{directory.Cluster}\n1700000000\n5432\n{directory.In("socket")}\n\n 1 1\nready\n",
            Ct);
        await RunAsync("chown", await directory.ServerIdAsync(), directory.PidFile);
    }

    private static Task<PostgresBinaries> BinariesAsync() =>
        PostgresBinaries.FindAsync(new EmbeddedOptions(), clusterMajor: null, TimeProvider.System, Ct);

    private static ProcessStartInfo Describe(string[] command) =>
        new(command[0], command.Skip(1)) { UseShellExecute = false, WorkingDirectory = "/" };

    private static List<string> ListeningTcpSockets(int pid)
    {
        var ours = Directory.GetFiles($"/proc/{pid}/fd")
            .Select(file => new FileInfo(file).LinkTarget ?? "")
            .Where(target => target.StartsWith("socket:[", StringComparison.Ordinal))
            .Select(target => target["socket:[".Length..^1])
            .ToHashSet(StringComparer.Ordinal);
        Assert.NotEmpty(ours);
        return [.. new[] { "/proc/net/tcp", "/proc/net/tcp6" }.Where(File.Exists)
            .SelectMany(table => File.ReadLines(table).Skip(1))
            .Where(line => ours.Contains(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[9]))];
    }
}
