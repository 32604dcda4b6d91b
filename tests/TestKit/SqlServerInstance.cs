using System.Security.Cryptography;
using DotNet.Testcontainers.Builders;
using Microsoft.Data.SqlClient;
using Testcontainers.MsSql;

namespace Secrets.TestKit;

/// <summary>
/// A SQL Server for tests: the one that <c>SECRETS_TEST_SQLSERVER</c> names (a connection string whose user may create databases), or else one
/// that Testcontainers starts where a Docker engine answers, and removes with the process. Where there is neither, tests are skipped and say so.
/// </summary>
public sealed class SqlServerInstance
{
    public const string Override = "SECRETS_TEST_SQLSERVER";

    private const string Image = "mcr.microsoft.com/mssql/server:2022-latest";

    // In the message of error 1807.
    private const string ModelIsLocked = "on database 'model'";

    private static readonly SemaphoreSlim Making = new(1);
    private static readonly Lazy<Task<SqlServerInstance>> Shared = new(StartAsync);

    private readonly string _connectionString;

    private SqlServerInstance(string connectionString) => _connectionString = connectionString;

    private static string? Elsewhere => Environment.GetEnvironmentVariable(Override) is { Length: > 0 } connectionString ? connectionString : null;

    /// <summary>Why there is none; null: there is one.</summary>
    public static string? WhyNot { get; } = FindReason();

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
        if (Elsewhere is { } elsewhere)
        {
            return new SqlServerInstance(elsewhere);
        }

        var container = NewContainer();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => container.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(30));
        await container.StartAsync();
        return new SqlServerInstance(container.GetConnectionString());
    }

    /// <summary>A container that is not started yet. Its port is published on loopback only.</summary>
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
            return $"no SQL Server: {Override} is not set, and no Docker engine answers";
        }
    }
}
