using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Data.SqlClient;

namespace Secrets.TestKit;

/// <summary>
/// A SQL Server for tests: the one that <c>SECRETS_TEST_SQLSERVER</c> names (a connection string whose user may create databases), or else one
/// that is started through the docker command line where an engine answers, and removed with the process. Where there is neither, tests are
/// skipped and say so.
/// </summary>
public sealed class SqlServerInstance
{
    public const string Override = "SECRETS_TEST_SQLSERVER";

    private const string Image = "mcr.microsoft.com/mssql/server:2022-latest";

    // In the message of error 1807.
    private const string ModelIsLocked = "on database 'model'";

    private static readonly SemaphoreSlim Making = new(1);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly Lazy<Task<SqlServerInstance>> Shared = new(StartAsync);

    private readonly string _connectionString;

    private SqlServerInstance(string connectionString) => _connectionString = connectionString;

    /// <summary>Why there is none; null: there is one.</summary>
    public static string? WhyNot { get; } = Environment.GetEnvironmentVariable(Override) is { Length: > 0 } || DockerAnswers()
        ? null
        : $"no SQL Server: {Override} is not set, and no Docker engine answers";

    /// <summary>The server of this test process.</summary>
    public static Task<SqlServerInstance> SharedAsync() => Shared.Value;

    /// <summary>How to reach a database of that name, which need not exist yet.</summary>
    public string ConnectionString(string database) => new SqlConnectionStringBuilder(_connectionString) { InitialCatalog = database }.ConnectionString;

    /// <summary>Makes a database. One at a time, because the server copies a database of its own for each, which it locks for that; other processes do so too.</summary>
    public static async Task MakeAsync(Func<Task> make)
    {
        await Making.WaitAsync();
        try
        {
            await AgainWhileAsync(make, exception => exception.ToString().Contains(ModelIsLocked, StringComparison.Ordinal));
        }
        finally
        {
            Making.Release();
        }
    }

    /// <summary>Does what may have to be done again, because somebody else is in the way.</summary>
    internal static async Task AgainWhileAsync(Func<Task> act, Func<Exception, bool> passes)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await act();
                return;
            }
            catch (Exception exception) when (attempt < 20 && passes(exception))
            {
                await Task.Delay(300);
            }
        }
    }

    private static async Task<SqlServerInstance> StartAsync()
    {
        if (Environment.GetEnvironmentVariable(Override) is { Length: > 0 } elsewhere)
        {
            return new SqlServerInstance(elsewhere);
        }

        var password = $"Aa1!{Convert.ToHexString(RandomNumberGenerator.GetBytes(16))}";
        var container = Docker("run", "--detach", "--env", "ACCEPT_EULA=Y", "--env", $"MSSQL_SA_PASSWORD={password}", "--publish", "127.0.0.1::1433", Image)
            ?? throw new InvalidOperationException($"{Image} did not start.");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Docker("rm", "--force", "--volumes", container);
        var port = Docker("port", container, "1433/tcp")!.Split('\n')[0].Split(':')[^1];
        var server = new SqlServerInstance(
            string.Create(CultureInfo.InvariantCulture, $"Server=tcp:127.0.0.1,{port};User ID=sa;Password={password};TrustServerCertificate=true"));
        await server.UntilItAnswersAsync();
        return server;
    }

    private async Task UntilItAnswersAsync()
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await using var connection = new SqlConnection(ConnectionString("master"));
                await connection.OpenAsync();
                return;
            }
            catch (SqlException) when (watch.Elapsed < Patience)
            {
                await Task.Delay(500);
            }
        }
    }

    private static bool DockerAnswers() => Docker("version", "--format", "{{.Server.Version}}") is not null;

    /// <summary>What a command of docker's prints; null when there is no docker or the command fails.</summary>
    private static string? Docker(params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("docker", arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output.Trim() : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
