using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Secrets.EmbeddedPostgres.Tests;

/// <summary>A data directory for one test, and the server in it. Both end with the test.</summary>
internal sealed class ServerDirectory : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("secrets-test-").FullName;
    private readonly List<EmbeddedServer> _servers = [];

    public ServerDirectory(string? below = null)
    {
        Path = below is null ? _root : System.IO.Path.Combine(_root, below);
    }

    public string Path { get; }

    public string Root => _root;

    public string Cluster => In("pgdata");

    public string PidFile => System.IO.Path.Combine(Cluster, "postmaster.pid");

    public Messages Log { get; } = new();

    public int ServerPid => int.Parse(File.ReadLines(PidFile).First(), CultureInfo.InvariantCulture);

    /// <summary>The user id of an account that other programs use too.</summary>
    public const string Nobody = "65534";

    /// <summary>The command with which root runs a program under a user id. Empty for an ordinary account, which cannot change its id.</summary>
    public static string[] As(string id) => Environment.IsPrivilegedProcess ? ["setpriv", $"--reuid={id}", $"--regid={id}", "--clear-groups"] : [];

    /// <summary>The user id that the server runs as.</summary>
    public Task<string> ServerIdAsync() => OwnerAsync(Cluster);

    public string In(string name) => System.IO.Path.Combine(Path, name);

    public EmbeddedOptions Options(string? binaries = null)
    {
        var options = new EmbeddedOptions { DataDirectory = Path, BinariesDirectory = binaries, ThrowAway = true };
        options.Settings["fsync"] = "off";
        options.Settings["shared_buffers"] = "16MB";
        return options;
    }

    public EmbeddedServer Server(EmbeddedOptions? options = null)
    {
        var server = new EmbeddedServer(options ?? Options(), Log, TimeProvider.System);
        _servers.Add(server);
        return server;
    }

    /// <summary>Copies a cluster that has the database `secrets` and was stopped cleanly. Creating one takes seconds.</summary>
    public async Task<ServerDirectory> WithClusterAsync()
    {
        var template = await Template.Value;
        Directory.CreateDirectory(Path);
        await RunAsync("cp", "-a", template.Path + "/.", Path);
        return this;
    }

    public static async Task<object?> AskAsync(string connectionString, string sql, string? database = null)
    {
        var there = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false };
        there.Database = database ?? there.Database;
        await using var connection = new NpgsqlConnection(there.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The user id of the owner of a file.</summary>
    public static async Task<string> OwnerAsync(string path) => (await RunAsync("stat", "-c", "%u", path)).Trim();

    public static async Task<string> RunAsync(params string[] command)
    {
        var run = await TryAsync(command);
        Assert.True(run.Succeeded, $"{string.Join(' ', command)}: {run.Output}");
        return run.Output;
    }

    /// <summary>Runs a program that may fail.</summary>
    public static async Task<Command.Result> TryAsync(params string[] command) => await Command.RunAsync(
            [Command.Find(command[0]) ?? command[0], .. command.Skip(1)], TimeSpan.FromSeconds(60), TimeProvider.System, CancellationToken.None);

    public static async Task UntilAsync(Func<bool> holds, string what)
    {
        for (var attempt = 0; attempt < 500; attempt++)
        {
            if (holds()) return;
            await Task.Delay(20);
        }

        Assert.Fail($"not within 10 s: {what}");
    }

    public static bool IsAlive(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers) await server.DisposeAsync();
        if (Directory.Exists(_root)) Directory.Delete(_root, recursive: true);
    }

    private static readonly Lazy<Task<ServerDirectory>> Template = new(CreateTemplateAsync);

    private static async Task<ServerDirectory> CreateTemplateAsync()
    {
        var template = new ServerDirectory();
        await using (var server = template.Server())
        {
            await AskAsync(await server.StartAsync(CancellationToken.None), "CREATE DATABASE secrets", "postgres");
        }

        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(template.Root, recursive: true);
        return template;
    }

    internal sealed class Messages : ILogger<EmbeddedServer>
    {
        private readonly List<string> _all = [];

        public IReadOnlyList<string> All
        {
            get
            {
                lock (_all) return [.. _all];
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_all) _all.Add(formatter(state, exception));
        }
    }
}
