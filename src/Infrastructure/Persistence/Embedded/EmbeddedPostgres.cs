using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Secrets.Infrastructure.Persistence.Embedded;

/// <summary>
/// The PostgreSQL server of a laptop: made at the first start, run as a child of this process, started again when it dies, and shut
/// down cleanly at the end. On Unix it listens on a socket in a closed directory and nowhere else.
/// </summary>
internal sealed partial class EmbeddedPostgres(EmbeddedOptions options, ILogger<EmbeddedPostgres> logger, TimeProvider clock)
    : IAsyncDisposable
{
    // The service's role may create databases and nothing more. The superuser exists for a person with psql.
    private const string Role = "secrets";
    private const string Superuser = "postgres";
    private const string Database = "secrets";

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(15);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly ConcurrentQueue<string> _said = new();

    private DataDirectory? _data;
    private PostgresBinaries? _binaries;
    private ServerAccount? _account;
    private Process? _server;
    private int _port = NpgsqlConnection.DefaultPort;
    private string? _connectionString;
    private CancellationTokenSource? _stopping;
    private Task _supervision = Task.CompletedTask;

    /// <summary>Starts the server and answers how to reach it. The database in the answer need not exist yet.</summary>
    /// <exception cref="StartupException">Something that a person must change.</exception>
    public async Task<string> StartAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_connectionString is not null) return _connectionString;
            try
            {
                await PrepareAsync(cancellationToken);
                await LaunchPatientlyAsync(cancellationToken);
                var connectionString = await IdentifyAsync(_data!.ReadPassword(), cancellationToken);
                _stopping = new CancellationTokenSource();
                _supervision = SuperviseAsync(_stopping.Token);
                return _connectionString = connectionString;
            }
            catch
            {
                await ShutDownAsync(CancellationToken.None);
                throw;
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Shuts the server down cleanly, within 15 seconds, or else at once. Cancelling is "at once".</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            if (_stopping is not null) await _stopping.CancelAsync();
            await _supervision;
            await ShutDownAsync(cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    // The gate is not disposed: it holds nothing that needs it, and stopping again must stay harmless.
    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None);

    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        foreach (var name in options.Settings.Keys.Where(name => !SettingName().IsMatch(name)))
        {
            throw new StartupException($"Embedded__Settings__{name} is not the name of a server setting.");
        }

        var path = options.DataDirectoryPath();
        _account = ServerAccount.Choose(clock);
        _data = await DataDirectory.OpenAsync(path, _account, clock, cancellationToken);
        _binaries = await PostgresBinaries.FindAsync(options, DataDirectory.ClusterMajor(path), clock, cancellationToken);
        if (File.Exists(PostmasterFile.PathIn(_data.Cluster))) await StopOrphanAsync(cancellationToken);
        await _data.MakeSocketsAsync(_account, cancellationToken);

        _account = await _account.ReachingAsync(
            _binaries, [_data.Logs, .. _data.Sockets is null ? [] : new[] { _data.Sockets }], cancellationToken);
        if (_account.ReadsAnything) LogReadsAnything(logger, path);

        if (OperatingSystem.IsWindows()) _port = FreePort();
        if (DataDirectory.ClusterMajor(path) is null) await InitializeAsync(cancellationToken);
        LogStarting(logger, _binaries.Major, _binaries.Directory, path);
    }

    // initdb works beside the final name, and only a finished cluster is renamed to it: whatever interrupts it, `pgdata` is either
    // whole or absent.
    private async Task InitializeAsync(CancellationToken cancellationToken)
    {
        var (data, account) = (_data!, _account!);
        if (Directory.Exists(data.Cluster))
        {
            if (Directory.EnumerateFileSystemEntries(data.Cluster).Any())
            {
                throw new StartupException(
                    $"{data.Cluster} is not empty and is no PostgreSQL cluster (it has no PG_VERSION): move it away, or restore it "
                    + "from a backup. Nothing was changed.");
            }

            Directory.Delete(data.Cluster);
        }

        LogInitializing(logger, data.Cluster);
        var staging = data.NewStaging();
        var password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        try
        {
            DataDirectory.CreatePrivate(staging);
            var passwordFile = Path.Combine(staging, "password");
            DataDirectory.WritePrivate(passwordFile, password);
            await account.OwnAsync(staging, cancellationToken);
            await account.OwnAsync(passwordFile, cancellationToken);

            var cluster = Path.Combine(staging, "pgdata");
            string[] command =
            [
                _binaries!.InitDb, "-D", cluster, $"--username={Superuser}", $"--pwfile={passwordFile}",
                "--auth-local=scram-sha-256", "--auth-host=scram-sha-256",
                "--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions",
                .. options.ThrowAway ? ["--no-sync"] : Array.Empty<string>(),
            ];
            var run = await account.RunAsync(TimeSpan.FromMinutes(5), cancellationToken, command);
            if (!run.Succeeded)
            {
                throw new StartupException($"The embedded PostgreSQL could not make its cluster in {data.Path}: {run.Tail}");
            }

            data.WritePassword(password);
            Directory.Move(cluster, data.Cluster);
        }
        finally
        {
            data.RemoveStaging();
        }
    }

    // We hold the lock of the directory, so a server in it has lost the process that it belonged to.
    private async Task StopOrphanAsync(CancellationToken cancellationToken)
    {
        var (cluster, binaries) = (_data!.Cluster, _binaries!);
        var file = PostmasterFile.Read(cluster);
        if (file is null)
        {
            // Empty or torn: the machine went down as it was written, or a server is writing it right now.
            await Task.Delay(TimeSpan.FromMilliseconds(300), clock, cancellationToken);
            file = PostmasterFile.Read(cluster);
            if (file is null)
            {
                File.Delete(PostmasterFile.PathIn(cluster));
                return;
            }
        }

        var owner = await file.OwnerAsync(cluster, _account!, cancellationToken);
        if (owner is PidOwner.Unknown)
        {
            _account = await _account!.ReachingAsync(binaries, [cluster], cancellationToken);
            owner = await file.OwnerAsync(cluster, _account, cancellationToken);
        }

        switch (owner)
        {
            case PidOwner.Stranger:
                LogStalePid(logger, file.Pid, cluster);
                File.Delete(PostmasterFile.PathIn(cluster));
                return;
            case PidOwner.Nobody:
                return; // the server recognises this by itself, and looks for processes that outlived the old one
            case PidOwner.Unknown:
                return; // the server refuses to start beside it, and its words are passed on
        }

        LogOrphan(logger, file.Pid, cluster);
        _account = await _account!.ReachingAsync(binaries, [cluster], cancellationToken);
        if (!await ControlStopAsync("fast", 20, cancellationToken) && !await ControlStopAsync("immediate", 10, cancellationToken))
        {
            throw new StartupException(
                $"A server that an earlier run left in {cluster} (process {file.Pid}) does not stop: end it, then start again.");
        }
    }

    private async Task LaunchPatientlyAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await LaunchAsync(cancellationToken);
                return;
            }
            catch (StartupException exception) when (
                attempt < 20 && exception.Message.Contains("shared memory block", StringComparison.Ordinal))
            {
                // Sessions of a server that was killed end by themselves within moments; until then it is not safe to start.
                await Task.Delay(TimeSpan.FromMilliseconds(500), clock, cancellationToken);
            }
        }
    }

    private async Task LaunchAsync(CancellationToken cancellationToken)
    {
        var data = _data!;
        data.RemoveStaleSockets();
        data.PruneLogs();
        _said.Clear();

        // In a session of its own, so that Ctrl+C in a terminal reaches this process and not the database below it.
        if (!options.ThroughControl && Command.Find("setsid") is { } setsid)
        {
            _server = StartChild(_account!.Prefixed([setsid, _binaries!.Server, "-D", data.Cluster, .. SettingArguments()]));
        }
        else
        {
            _server = await StartThroughControlAsync(cancellationToken);
        }

        await WaitUntilReadyAsync(_server, cancellationToken);
        LogReady(logger, _server.Id);
    }

    private Process StartChild(string[] command)
    {
        var start = Command.Describe(command);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Remember(line.Data);
        process.ErrorDataReceived += (_, line) => Remember(line.Data);
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    // Where there is no setsid program (Windows, macOS), pg_ctl makes the session; on Windows it also drops administrator rights,
    // with which the server refuses to run. Its output is not read: the server would inherit the pipe, and reading would not end.
    private async Task<Process> StartThroughControlAsync(CancellationToken cancellationToken)
    {
        var data = _data!;
        var output = Path.Combine(data.Logs, "start.txt");
        File.Delete(output);
        var arguments = string.Join(' ', SettingArguments().Select(argument => argument is "-c" ? argument : Quote(argument)));
        var start = Command.Describe(_account!.Prefixed(
            _binaries!.Control, "start", "-s", "-w", "-t", "600", "-D", data.Cluster, "-l", output, "-o", arguments));
        using var control = new Process { StartInfo = start };
        control.Start();
        try
        {
            await control.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            control.Kill();
            _server = PostmasterFile.Read(data.Cluster)?.Alive(); // for the shutdown that follows
            throw;
        }

        if (File.Exists(output)) Remember(await File.ReadAllTextAsync(output, cancellationToken));
        return (control.ExitCode == 0 ? PostmasterFile.Read(data.Cluster)?.Alive() : null) ?? throw DidNotStart();
    }

    private async Task WaitUntilReadyAsync(Process server, CancellationToken cancellationToken)
    {
        var since = clock.GetTimestamp();
        var told = TimeSpan.Zero;
        while (PostmasterFile.Read(_data!.Cluster) is not { Ready: true } file || file.Pid != server.Id)
        {
            if (server.HasExited)
            {
                await server.WaitForExitAsync(cancellationToken); // and the rest of its output
                throw DidNotStart();
            }

            // After a crash the server replays its log before it is ready; that ends by itself, however long it takes.
            var elapsed = clock.GetElapsedTime(since);
            if (elapsed - told > TimeSpan.FromSeconds(10))
            {
                told = elapsed;
                LogStillStarting(logger, (int)elapsed.TotalSeconds);
            }

            await Task.Delay(Poll, clock, cancellationToken);
        }
    }

    private StartupException DidNotStart()
    {
        var said = Command.LastLines(string.Join('\n', _said));
        // Past its first lines the server writes to its log, and tells that here.
        if (said.Length == 0 || said.Contains("logging collector", StringComparison.Ordinal))
        {
            said = _data!.LastLogLines();
        }

        return new StartupException($"The embedded PostgreSQL in {_data!.Path} did not start: {said}");
    }

    // The role is made at the first start, and again should the directory be restored with another password file.
    private async Task<string> IdentifyAsync(string password, CancellationToken cancellationToken)
    {
        var target = new NpgsqlConnectionStringBuilder
        {
            Host = _data!.Sockets ?? "127.0.0.1",
            Port = _port,
            Username = Role,
            Password = password,
            Database = Database,
            MaxPoolSize = 90, // below max_connections, of which a few are the superuser's
            SslMode = SslMode.Disable,
            GssEncryptionMode = GssEncryptionMode.Disable,
        };
        var probe = new NpgsqlConnectionStringBuilder(target.ConnectionString) { Database = "postgres", Pooling = false };
        try
        {
            if (!await LetsInAsync(probe.ConnectionString, cancellationToken))
            {
                probe.Username = Superuser;
                await using var connection = new NpgsqlConnection(probe.ConnectionString);
                await connection.OpenAsync(cancellationToken);
                await MakeRoleAsync(connection, password, cancellationToken);
            }
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.InvalidPassword)
        {
            throw new StartupException(
                $"The password in {_data.PasswordFile} is not the one of the database in {_data.Cluster}: restore both from the same backup.",
                exception);
        }
        catch (NpgsqlException exception)
        {
            throw new StartupException($"The embedded PostgreSQL in {_data.Path} runs and does not answer: {exception.Message}", exception);
        }

        return target.ConnectionString;
    }

    private static async Task<bool> LetsInAsync(string connectionString, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = new NpgsqlConnection(connectionString);
            await connection.OpenAsync(cancellationToken);
            return true;
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.InvalidPassword)
        {
            return false;
        }
    }

    private static async Task MakeRoleAsync(NpgsqlConnection connection, string password, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = '{Role}')";
        var verb = await command.ExecuteScalarAsync(cancellationToken) is true ? "ALTER" : "CREATE";
        // CREATE ROLE takes no parameters. The password is ours and hexadecimal; anything else is refused rather than quoted.
        if (!password.All(char.IsAsciiLetterOrDigit)) throw new StartupException("The password file holds characters that this service never writes.");
        command.CommandText = $"{verb} ROLE {Role} LOGIN CREATEDB PASSWORD '{password}'";
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task SuperviseAsync(CancellationToken stopping)
    {
        var pause = FirstPause;
        try
        {
            while (true)
            {
                var since = clock.GetTimestamp();
                await WaitForEndAsync(stopping);
                if (clock.GetElapsedTime(since) > Settled) pause = FirstPause;
                LogDied(logger, ExitCode(_server!));

                for (var back = false; !back;)
                {
                    await Task.Delay(pause, clock, stopping);
                    pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
                    back = await TryLaunchAsync(stopping);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // stopped
        }
    }

    private async Task WaitForEndAsync(CancellationToken stopping)
    {
        var end = _server!.WaitForExitAsync(stopping);
        using var hourly = new PeriodicTimer(TimeSpan.FromHours(1), clock);
        while (true)
        {
            var tick = hourly.WaitForNextTickAsync(stopping).AsTask();
            if (await Task.WhenAny(end, tick) == end)
            {
                await end;
                return;
            }

            await tick;
            _data!.PruneLogs();
        }
    }

    private async Task<bool> TryLaunchAsync(CancellationToken stopping)
    {
        try
        {
            _server!.Dispose();
            _server = null;
            if (File.Exists(PostmasterFile.PathIn(_data!.Cluster))) await StopOrphanAsync(stopping);
            await LaunchAsync(stopping);
            return true;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogDidNotComeBack(logger, exception.Message);
            return false;
        }
    }

    private async Task ShutDownAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (_server is { HasExited: false }) await StopServerAsync(_server, cancellationToken);
        }
        finally
        {
            _server?.Dispose();
            _server = null;
            _connectionString = null;
            _stopping?.Dispose();
            _stopping = null;
            _supervision = Task.CompletedTask;
            _data?.Dispose();
            _data = null;
        }
    }

    private async Task StopServerAsync(Process server, CancellationToken cancellationToken)
    {
        // pg_ctl signals whatever number the file holds, so the file is asked first.
        if (PostmasterFile.Read(_data!.Cluster)?.Pid == server.Id)
        {
            try
            {
                if (await ControlStopAsync("fast", 15, cancellationToken) && await EndsAsync(server))
                {
                    LogStopped(logger);
                    return;
                }
            }
            catch (OperationCanceledException)
            {
                // at once, then
            }

            if (await ControlStopAsync("immediate", 5, CancellationToken.None) && await EndsAsync(server)) return;
        }

        LogKilled(logger, server.Id);
        server.Kill(entireProcessTree: true);
        await EndsAsync(server); // not without bound: one that pg_ctl started stays visible until process 1 collects it
    }

    // pg_ctl waits for the pid file to go, which the server removes a moment before it ends.
    private async Task<bool> EndsAsync(Process server)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(3), clock);
        try
        {
            await server.WaitForExitAsync(limit.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<bool> ControlStopAsync(string mode, int seconds, CancellationToken cancellationToken)
    {
        var run = await _account!.RunAsync(
            TimeSpan.FromSeconds(seconds + 5), cancellationToken,
            _binaries!.Control, "stop", "-s", "-w", "-m", mode, "-t", seconds.ToString(CultureInfo.InvariantCulture), "-D", _data!.Cluster);
        return run.Succeeded;
    }

    private List<string> SettingArguments()
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["max_connections"] = "100",
            ["shared_buffers"] = "128MB",
            ["jit"] = "off",
            ["timezone"] = "UTC",
            ["log_timezone"] = "UTC",
            ["logging_collector"] = "on",
            ["log_directory"] = "../log",
            ["log_filename"] = "postgres-%Y%m%d-%H%M%S.log",
            ["log_file_mode"] = "0600",
            ["log_rotation_size"] = "10MB",
            ["log_rotation_age"] = "0",
            // No text of a statement, no parameter and no row is ever written to a log. An error in a statement is told to the
            // client alone ("log" is above "error" in the server's order), for its words and its detail quote values.
            ["log_min_messages"] = "log",
            ["log_error_verbosity"] = "terse",
            ["log_statement"] = "none",
            ["log_min_duration_statement"] = "-1",
            ["log_min_error_statement"] = "panic",
            ["log_parameter_max_length"] = "0",
            ["log_parameter_max_length_on_error"] = "0",
            ["listen_addresses"] = _data!.Sockets is null ? IPAddress.Loopback.ToString() : "",
            ["port"] = _port.ToString(CultureInfo.InvariantCulture),
        };
        if (_data.Sockets is not null)
        {
            settings["unix_socket_directories"] = _data.Sockets;
            settings["unix_socket_permissions"] = "0700";
        }

        foreach (var (name, value) in options.Settings) settings[name] = value;
        return [.. settings.SelectMany(setting => new[] { "-c", $"{setting.Key}={setting.Value}" })];
    }

    private void Remember(string? line)
    {
        if (line is null) return;
        _said.Enqueue(line);
        while (_said.Count > 50) _said.TryDequeue(out _);
    }

    private static int? ExitCode(Process process)
    {
        try
        {
            return process.ExitCode;
        }
        catch (InvalidOperationException)
        {
            return null; // not our child: pg_ctl started it
        }
    }

    private static string Quote(string argument) =>
        OperatingSystem.IsWindows()
            ? $"\"{argument.Replace("\"", "\\\"", StringComparison.Ordinal)}\""
            : $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    [GeneratedRegex("^[a-z][a-z0-9_.]{1,62}$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex SettingName();

    [LoggerMessage(Level = LogLevel.Information, Message = "First start: making the embedded database in {Cluster}")]
    private static partial void LogInitializing(ILogger logger, string cluster);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Starting PostgreSQL {Major} from {Binaries} in {DataDirectory}")]
    private static partial void LogStarting(ILogger logger, int major, string binaries, string dataDirectory);

    [LoggerMessage(Level = LogLevel.Information, Message = "The embedded database is ready (process {Pid})")]
    private static partial void LogReady(ILogger logger, int pid);

    [LoggerMessage(Level = LogLevel.Information, Message = "The embedded database has been starting for {Seconds} s (it may be replaying its log after a crash)")]
    private static partial void LogStillStarting(ILogger logger, int seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{DataDirectory} or the database's programs are below a directory that only root can enter: the server's account gets the capability dac_read_search. A directory that every account can enter is better")]
    private static partial void LogReadsAnything(ILogger logger, string dataDirectory);

    [LoggerMessage(Level = LogLevel.Warning, Message = "An earlier run left its database server (process {Pid}) in {Cluster}: stopping it")]
    private static partial void LogOrphan(ILogger logger, int pid, string cluster);

    [LoggerMessage(Level = LogLevel.Information, Message = "The process number {Pid} in {Cluster}/postmaster.pid belongs to another program now: removing the file")]
    private static partial void LogStalePid(ILogger logger, int pid, string cluster);

    [LoggerMessage(Level = LogLevel.Error, Message = "The embedded database ended unexpectedly (exit code {ExitCode}): starting it again")]
    private static partial void LogDied(ILogger logger, int? exitCode);

    [LoggerMessage(Level = LogLevel.Error, Message = "The embedded database did not come back, and will be tried again: {Reason}")]
    private static partial void LogDidNotComeBack(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The embedded database is stopped")]
    private static partial void LogStopped(ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The embedded database (process {Pid}) did not stop in time and was killed; it recovers at its next start")]
    private static partial void LogKilled(ILogger logger, int pid);
}
