using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.SqlServer;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.SqlServer;

/// <summary>The driver opens the connections of a pool one after the other. Requests must not wait for them until they are refused.</summary>
public sealed class OpeningConnections
{
    private static readonly ConnectionShare ForRequests = new(IsForBatches: false, Committers: 2);

    /// <summary>Without warm connections, only the first would open within the limit, and would serve a third of the requests in the rest of it.</summary>
    [Fact]
    public async Task A_burst_at_a_far_server_is_served_by_warm_connections()
    {
        await using var server = new TdsStandIn { ConnectDelay = TimeSpan.FromMilliseconds(150) };
        var text = Pooled(server, connectTimeout: 8);
        await using var db = NewContext(text);
        await db.WarmAsync(TestContext.Current.CancellationToken);

        Assert.InRange(server.Connects, SqlServerEngine.WarmConnections, SqlServerEngine.WarmConnections + 1); // the pool fills itself too
        server.ConnectDelay = TimeSpan.FromSeconds(5);
        Assert.All(await BurstAsync(text), Assert.Null);
    }

    [Fact]
    public async Task A_burst_at_a_far_server_is_served_although_no_connection_is_open()
    {
        await using var server = new TdsStandIn { ConnectDelay = TimeSpan.FromMilliseconds(150) };

        Assert.All(await BurstAsync(Pooled(server, connectTimeout: 15)), Assert.Null);
    }

    [Theory]
    [InlineData("", SqlServerEngine.WarmConnections)]
    [InlineData("Min Pool Size=3", 3)]
    [InlineData("Max Pool Size=8", 4)] // the other half is for batches
    public async Task The_setting_of_the_connection_string_counts(string setting, int expected)
    {
        await using var db = NewContext($"Server=nowhere;{setting}");

        Assert.Equal(expected, new SqlConnectionStringBuilder(db.Database.GetConnectionString()).MinPoolSize);
    }

    private static async Task<Exception?[]> BurstAsync(string connectionString) =>
        await Task.WhenAll(Enumerable.Range(0, 90).Select(_ => UseAsync(connectionString, TimeSpan.FromMilliseconds(100))));

    private static async Task<Exception?> UseAsync(string connectionString, TimeSpan duration)
    {
        await using var db = NewContext(connectionString);
        return await Record.ExceptionAsync(async () =>
        {
            await using var open = await OpenConnection.OpenAsync(db, TestContext.Current.CancellationToken);
            await db.Owners.ToListAsync(TestContext.Current.CancellationToken);
            await Task.Delay(duration, TestContext.Current.CancellationToken);
        });
    }

    private static string Pooled(TdsStandIn server, int connectTimeout) =>
        new SqlConnectionStringBuilder(server.ConnectionString) { Pooling = true, ConnectTimeout = connectTimeout }.ConnectionString;

    private static SqlServerSecretsDbContext NewContext(string connectionString)
    {
        var options = new DbContextOptionsBuilder<SqlServerSecretsDbContext>();
        SqlServerEngine.Configure(options, connectionString, ForRequests);
        return new SqlServerSecretsDbContext(options.Options);
    }
}
