using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace Secrets.Bench;

/// <summary>
/// The floor of a create: the best rate of the same server for writing one row. It is PostgreSQL's own load generator, with one prepared INSERT and one
/// commit per transaction.
/// </summary>
internal sealed partial class Floor
{
    /// <summary>The message for a missing pgbench.</summary>
    public const string Missing = "pgbench was not found, so there is no floor and no ratio. Install PostgreSQL's client programs (Debian: apt-get install postgresql).";

    private const string Database = "bench";
    private const int Threads = 2;

    private readonly string _program;
    private readonly Workspace _workspace;
    private readonly string _script;
    private readonly int _clients;

    private Floor(string program, Workspace workspace, string script, int clients)
    {
        _program = program;
        _workspace = workspace;
        _script = script;
        _clients = clients;
    }

    /// <summary>Creates the table; null: pgbench is missing.</summary>
    /// <param name="workspace">The workspace of the server to measure.</param>
    /// <param name="clients">Concurrent connections.</param>
    /// <param name="rowBytes">The size of the inserted row.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    public static async Task<Floor?> PrepareAsync(Workspace workspace, int clients, int rowBytes, CancellationToken cancellationToken)
    {
        if (Find() is not { } program) return null;

        await using (var connection = await workspace.ConnectAsync("secrets", cancellationToken))
        {
            await ExecuteAsync(connection, $"CREATE DATABASE {Database}", cancellationToken);
        }

        await using (var connection = await workspace.ConnectAsync(Database, cancellationToken))
        {
            await ExecuteAsync(connection, "CREATE TABLE bench_rows (id bigserial PRIMARY KEY, payload text NOT NULL)", cancellationToken);
        }

        var script = Path.Combine(Path.GetDirectoryName(workspace.Settings["Encryption__RootKeyFile"])!, "floor.sql");
        await File.WriteAllTextAsync(
            script, $"INSERT INTO bench_rows (payload) VALUES ('{new string('x', rowBytes)}');\n", cancellationToken);
        return new Floor(program, workspace, script, clients);
    }

    /// <summary>Measures transactions per second. pgbench takes whole seconds, so a part of a second counts as one.</summary>
    public async Task<double> MeasureAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(
            _program,
            [
                "--no-vacuum", "--protocol=prepared", $"--client={_clients}", $"--jobs={Threads}",
                $"--time={Math.Ceiling(duration.TotalSeconds):0}", $"--file={_script}",
                $"--host={_workspace.Sockets}", $"--username={Workspace.Role}", Database,
            ])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PGPASSWORD"] = _workspace.Password;
        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(duration + TimeSpan.FromSeconds(60));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            var said = await output + await errors;
            if (process.ExitCode != 0 || FailedTransactions().Match(said) is { Success: true, Value: not "number of failed transactions: 0 " })
            {
                throw new BenchException($"pgbench failed:\n{said}");
            }

            return double.Parse(PerSecond().Match(said).Groups["tps"].Value, CultureInfo.InvariantCulture);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static string? Find()
    {
        const string Debian = "/usr/lib/postgresql";
        var versions = Directory.Exists(Debian) ? Directory.GetDirectories(Debian) : [];
        return versions
            .OrderByDescending(path => int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out var major) ? major : 0)
            .Select(path => Path.Combine(path, "bin", "pgbench"))
            .Append("pgbench")
            .FirstOrDefault(Runs);
    }

    private static bool Runs(string program)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, "--version") { UseShellExecute = false, RedirectStandardOutput = true });
            process!.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    [GeneratedRegex(@"^tps = (?<tps>[0-9.]+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PerSecond();

    [GeneratedRegex("number of failed transactions: [0-9]+ ", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex FailedTransactions();
}
