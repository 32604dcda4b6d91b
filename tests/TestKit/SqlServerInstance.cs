using System.Security.Cryptography;
using DotNet.Testcontainers.Builders;
using Microsoft.Data.SqlClient;
using Testcontainers.MsSql;

namespace Secrets.TestKit;

/// <summary>
/// A SQL Server for tests. <c>SECRETS_TEST_SQLSERVER</c> names one: a connection string whose user may create databases. Otherwise Testcontainers starts one if
/// a Docker engine answers, and removes it with the process. Without either, tests are skipped and say so.
/// </summary>
public sealed class SqlServerInstance
{
    public const string Override = "SECRETS_TEST_SQLSERVER";

    private const string Image = "mcr.microsoft.com/mssql/server:2022-latest";

    // A part of the message of error 1807.
    private const string ModelIsLocked = "on database 'model'";

    private static readonly SemaphoreSlim Making = new(1);
    private static readonly Lazy<Task<SqlServerInstance>> Shared = new(StartAsync);

    private readonly string _connectionString;
    private readonly Lazy<Task<bool>> _isBabelfish;

    private SqlServerInstance(string connectionString) =>
        (_connectionString, _isBabelfish) = (connectionString, new Lazy<Task<bool>>(AskWhetherBabelfishAsync));

    private static string? Elsewhere => Environment.GetEnvironmentVariable(Override) is { Length: > 0 } connectionString ? connectionString : null;

    /// <summary>Why no server is available; null: one is.</summary>
    public static string? WhyNot { get; } = FindReason();

    /// <summary>The server of this test process.</summary>
    public static Task<SqlServerInstance> SharedAsync() => Shared.Value;

    /// <summary>The connection string of a database, which need not exist yet.</summary>
    public string ConnectionString(string database) => new SqlConnectionStringBuilder(_connectionString) { InitialCatalog = database }.ConnectionString;

    /// <summary>Creates a database. One at a time: the server copies its database <c>model</c> and locks it meanwhile. Other processes may hold that lock.</summary>
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

    /// <summary>Whether the server is Babelfish. Asked once.</summary>
    public Task<bool> IsBabelfishAsync() => _isBabelfish.Value;

    /// <summary>Creates an empty database.</summary>
    public static async Task CreateDatabaseAsync(string connectionString)
    {
        var settings = new SqlConnectionStringBuilder(connectionString);
        var database = settings.InitialCatalog;
        settings.InitialCatalog = "master";
        await using var connection = new SqlConnection(settings.ConnectionString);
        await connection.OpenAsync();
        await using var command = new SqlCommand($"CREATE DATABASE {database}", connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Repeats work while it fails because of another session.</summary>
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

    private async Task<bool> AskWhetherBabelfishAsync()
    {
        await using var connection = new SqlConnection(_connectionString);
        await connection.OpenAsync();
        await using var command = new SqlCommand("SELECT @@VERSION", connection);
        return ((string)(await command.ExecuteScalarAsync())!).StartsWith("Babelfish", StringComparison.Ordinal);
    }

    private static async Task<SqlServerInstance> StartAsync()
    {
        if (Elsewhere is { } elsewhere)
        {
            return new SqlServerInstance(elsewhere);
        }

        var container = NewContainer();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => container.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(30));
        await container.StartAsync();
        return new SqlServerInstance(container.GetConnectionString());
    }

    /// <summary>A container that has not started yet. Only loopback reaches its port.</summary>
    /// <exception cref="DockerUnavailableException">No Docker engine answers.</exception>
    private static MsSqlContainer NewContainer() => new MsSqlBuilder(Image)
        .WithPassword($"Aa1!{Convert.ToHexString(RandomNumberGenerator.GetBytes(16))}")
        .WithCreateParameterModifier(parameters =>
        {
            foreach (var binding in parameters.HostConfig!.PortBindings!.Values.SelectMany(bindings => bindings))
            {
                binding.HostIP = "127.0.0.1";
            }
        })
        .Build();

    private static string? FindReason()
    {
        if (Elsewhere is not null)
        {
            return null;
        }

        try
        {
            _ = NewContainer();
            return null;
        }
        catch (DockerUnavailableException)
        {
            return $"No SQL Server: {Override} is not set, and no Docker engine answers.";
        }
    }
}
