using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using Npgsql;

namespace Secrets.Bench;

/// <summary>The service as deployed, in a separate process, with the embedded database and its durable settings.</summary>
internal sealed class Service : ITarget, IAsyncDisposable
{
    public const string BootstrapKey = "bench-bootstrap-key-0123456789-0123456789";

    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);

    private readonly Workspace _workspace;
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _said;
    private int _postmaster;
    private bool _stopped;

    private Service(Workspace workspace, Process process, int port, ConcurrentQueue<string> said)
    {
        _workspace = workspace;
        _process = process;
        _said = said;
        Port = port;
    }

    public int Port { get; }

    /// <summary>The last output of the service, for the message of a failure.</summary>
    public string LastWords => _said.IsEmpty ? "" : "\nLast output of the service:\n" + string.Join('\n', _said);

    /// <summary>Resident memory of the service without the database: now, and its peak so far.</summary>
    public (long Now, long Most) Memory
    {
        get
        {
            _process.Refresh();
            return (_process.WorkingSet64, _process.PeakWorkingSet64);
        }
    }

    /// <summary>Starts the service.</summary>
    /// <returns>The service, and the time from the start of the process to the response to its first list.</returns>
    public static async Task<(Service Service, TimeSpan FirstAnswer)> StartAsync(
        Workspace workspace, string key, CancellationToken cancellationToken)
    {
        var port = FreePort();
        var start = StartOf(workspace);
        start.Environment["ASPNETCORE_URLS"] = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");

        var said = new ConcurrentQueue<string>();
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Remember(said, line.Data);
        process.ErrorDataReceived += (_, line) => Remember(said, line.Data);
        var since = Stopwatch.GetTimestamp();
        process.Start();
        var service = new Service(workspace, process, port, said);
        try
        {
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            await service.WaitUntilItAnswersAsync(key, since, cancellationToken);
            var elapsed = Stopwatch.GetElapsedTime(since);
            service._postmaster = workspace.Postmaster();
            return (service, elapsed);
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }

    /// <summary>Creates the tables, and the database if there is none.</summary>
    public static async Task MigrateAsync(Workspace workspace, CancellationToken cancellationToken)
    {
        using var process = Process.Start(StartOf(workspace, "migrate", "--create-database"))!;
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(cancellationToken), process.StandardError.ReadToEndAsync(cancellationToken));
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0) throw new BenchException($"The database could not be migrated.\n{string.Concat(said)}");
    }

    public ProcessorTime ProcessorTime() => Bench.ProcessorTime.Read(_process, _postmaster);

    private static ProcessStartInfo StartOf(Workspace workspace, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [workspace.Assembly, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetDirectoryName(workspace.Assembly)!,
        };
        foreach (var (name, value) in workspace.Settings) start.Environment[name] = value;
        return start;
    }

    /// <summary>Makes a key that may resolve for all users.</summary>
    public async Task<string> MakeRuntimeAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{Port}") };
        http.DefaultRequestHeaders.Add("x-api-key", BootstrapKey);
        using var answer = await http.PostAsJsonAsync(
            "/api/v1/api-keys", new { name = "runtime", user_id = Guid.NewGuid(), scopes = (string[])["secrets:resolve"] }, cancellationToken);
        var made = await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonNode>(cancellationToken);
        return made!["key"]!.GetValue<string>();
    }

    /// <summary>Stops the service as an operator does, and kills it if that takes too long.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopped) return;
        _stopped = true;
        if (!_process.HasExited)
        {
            using var limit = new CancellationTokenSource(StopLimit);
            try
            {
                using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
                await _process.WaitForExitAsync(CancellationToken.None);
            }
        }

        _process.Dispose();
    }

    private async Task WaitUntilItAnswersAsync(string key, long since, CancellationToken cancellationToken)
    {
        while (Stopwatch.GetElapsedTime(since) < StartLimit)
        {
            if (_process.HasExited) throw new BenchException($"The service did not start.{LastWords}");
            try
            {
                using var connection = await HttpConnection.OpenAsync(Port, cancellationToken);
                _ = Utf8.TryWrite(
                    connection.Request,
                    $"GET /api/v1/secrets HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n",
                    out var length);
                if (await connection.SendAsync(length, cancellationToken) is (200, _)) return;
            }
            catch (SocketException)
            {
                // The service does not listen yet.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(5), cancellationToken);
        }

        throw new BenchException($"The service gave no answer within {StartLimit.TotalSeconds:0} s of its start.{LastWords}");
    }

    private static void Remember(ConcurrentQueue<string> said, string? line)
    {
        if (line is null) return;
        said.Enqueue(line);
        while (said.Count > 20) said.TryDequeue(out _);
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>A temporary directory with the database and the root key. It is removed at the end.</summary>
internal sealed class Workspace : IDisposable
{
    public const string Role = "secrets";

    // A few methods of thousands are always compiled late: timers and callers of the garbage collector.
    private const int MethodsThatMayRemain = 15;

    private static readonly TimeSpan WarmUpLimit = TimeSpan.FromMinutes(2);

    private readonly string _root;
    private readonly int _serverProcess;

    public Workspace(BenchOptions options, params (string Name, string Value)[] settings)
    {
        Assembly = options.Service ?? Path.Combine(RepositoryRoot, "src", "Api", "bin", "Release", "net10.0", "Secrets.Api.dll");
        if (!File.Exists(Assembly)) throw new BenchException($"{Assembly} does not exist. Build it with `dotnet build -c Release`.");

        Directory.CreateDirectory(options.Directory);
        _root = Path.Combine(options.Directory, $"secrets-bench-{Guid.NewGuid():N}"[..22]);
        Directory.CreateDirectory(_root);
        if (!OperatingSystem.IsWindows())
        {
            // A service started by root runs the database under another account, which must pass through.
            File.SetUnixFileMode(
                _root,
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        }

        var rootKey = Path.Combine(_root, "root.key");
        File.WriteAllText(rootKey, Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32)));
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(rootKey, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var all = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["DOTNET_ENVIRONMENT"] = "Production",
            ["Database__Provider"] = "Embedded",
            ["Embedded__DataDirectory"] = Data,
            ["Auth__BootstrapKey"] = Service.BootstrapKey,
            ["Encryption__RootKeyFile"] = rootKey,
            ["Quota__BytesPerOwner"] = "1073741824",
            ["Quota__SecretsPerOwner"] = "1000000",
            ["Serilog__MinimumLevel__Default"] = "Warning",
            ["Limits__RequestsPerMinute"] = "10000000", // One key makes all owners. The limit counts requests and is never reached.
            ["DOTNET_STARTUP_HOOKS"] = typeof(StartupHook).Assembly.Location,
            ["Embedded__Settings__max_connections"] = "150", // For the service and the floors.
            [StartupHook.FileSetting] = Path.Combine(_root, "runtime"),
        };
        if (options.SqlServer is { } connectionString)
        {
            (all["Database__Provider"], all["ConnectionStrings__Secrets"], _serverProcess) = ("SqlServer", connectionString, options.ServerProcess);
        }

        IsEmbedded = options.SqlServer is null;
        foreach (var (name, value) in settings) all[name] = value;
        Settings = all;
    }

    /// <summary>The root of the repository.</summary>
    public static string RepositoryRoot { get; } = FindRepositoryRoot();

    /// <summary>Whether the database is the embedded PostgreSQL.</summary>
    public bool IsEmbedded { get; }

    /// <summary>Secrets.Api.dll.</summary>
    public string Assembly { get; }

    /// <summary>The environment of the service.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; }

    public string Sockets
    {
        get
        {
            var elsewhere = Path.Combine(Data, "socket.path");
            return File.Exists(elsewhere) ? File.ReadAllText(elsewhere).Trim() : Path.Combine(Data, "socket");
        }
    }

    public string Password => File.ReadAllText(Path.Combine(Data, "password")).Trim();

    /// <summary>The type of the database's file system.</summary>
    private string FileSystem => new DriveInfo(_root).DriveFormat;

    private string Data => Path.Combine(_root, "data");

    /// <summary>Opens a connection to a database of the embedded server.</summary>
    public async Task<NpgsqlConnection> ConnectAsync(string database, CancellationToken cancellationToken, string role = Role)
    {
        var connection = new NpgsqlConnection(ConnectionString(database, role));
        await connection.OpenAsync(cancellationToken);
        return connection;
    }

    /// <summary>The connection string of the floors. Like the service, they prepare statements and do not reset sessions.</summary>
    public string FloorConnectionString => new NpgsqlConnectionStringBuilder(ConnectionString("secrets"))
    {
        Pooling = true,
        MaxPoolSize = 32,
        MaxAutoPrepare = 10,
        NoResetOnClose = true,
    }.ConnectionString;

    /// <summary>Runs a statement on the database of the service.</summary>
    public async Task ExecuteAsync(string sql, CancellationToken cancellationToken, bool asSuperuser = false)
    {
        await using var connection = await ConnectAsync("secrets", cancellationToken, asSuperuser ? "postgres" : Role);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Reads one number from the database of the service.</summary>
    public async Task<long> NumberAsync(string sql, CancellationToken cancellationToken)
    {
        await using var connection = await ConnectAsync("secrets", cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Returns the server's version and its file system. Fails if the server does not flush its commits to disk.</summary>
    public async Task<(string Server, string FileSystem)> RequireDurabilityAsync(CancellationToken cancellationToken)
    {
        await using var connection = await ConnectAsync("secrets", cancellationToken);
        foreach (var setting in new[] { "fsync", "synchronous_commit", "full_page_writes" })
        {
            await using var command = new NpgsqlCommand($"SHOW {setting}", connection);
            if (await command.ExecuteScalarAsync(cancellationToken) is not "on")
            {
                throw new BenchException($"The server runs with {setting} off, so its speed means nothing. Switch it on.");
            }
        }

        return ($"PostgreSQL {connection.PostgreSqlVersion}", FileSystem);
    }

    /// <summary>The bytes that the service has allocated so far. <see cref="StartupHook"/> reports them from its process.</summary>
    public long AllocatedBytes() => Runtime(0);

    /// <summary>
    /// Sends a workload until the service has compiled its busy methods, some of them a second and a third time. Before that a method takes several times
    /// as long, also while the runtime profiles it.
    /// </summary>
    public async Task WarmUpAsync(LoadGenerator load, Workload workload, CancellationToken cancellationToken)
    {
        var (clock, step) = (Stopwatch.StartNew(), TimeSpan.FromSeconds(5));
        for (long before = 0, now = long.MaxValue; now - before > MethodsThatMayRemain && clock.Elapsed < WarmUpLimit;)
        {
            before = Runtime(1);
            await load.RunAsync(workload, step, cancellationToken);
            now = Runtime(1);
        }
    }

    private long Runtime(int place)
    {
        Thread.Sleep(2 * StartupHook.Interval);
        return long.Parse(File.ReadAllText(Settings[StartupHook.FileSetting]).Split(' ')[place], CultureInfo.InvariantCulture);
    }

    /// <summary>The id of the database server's main process; 0 if it runs on another machine.</summary>
    public int Postmaster() => !IsEmbedded
        ? _serverProcess
        : int.Parse(File.ReadLines(Path.Combine(Data, "pgdata", "postmaster.pid")).First(), CultureInfo.InvariantCulture);

    public void Dispose()
    {
        if (Directory.Exists(_root)) Directory.Delete(_root, recursive: true);
    }

    private string ConnectionString(string database, string role = Role) => new NpgsqlConnectionStringBuilder
    {
        Host = Sockets,
        Username = role,
        Password = Password,
        Database = database,
        Pooling = false,
        SslMode = SslMode.Disable,
        GssEncryptionMode = GssEncryptionMode.Disable,
        CommandTimeout = 300,
    }.ConnectionString;

    private static string FindRepositoryRoot()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Secrets.sln"))) return at.FullName;
        }

        throw new BenchException("The repository was not found. Start the benchmark with `dotnet run -c Release --project bench`.");
    }
}
