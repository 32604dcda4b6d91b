using System.Collections.Concurrent;
using System.Data;
using System.Reflection;
using System.Runtime.Loader;
using System.Security.Authentication;
using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.SqlServer;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.SqlServer;

/// <summary>Runs the driver on every path of the service, against a simulated server.</summary>
public sealed class UsingTheDriver : IAsyncLifetime
{
    private readonly TdsStandIn _server = new();
    private readonly SqlServerFaults _faults = new();
    private SqlServerSecretsDbContext _db = null!;

    public ValueTask InitializeAsync()
    {
        _db = Samples.NewContext(_server.ConnectionString);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _db.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task No_path_of_the_service_asks_for_an_assembly_that_is_missing()
    {
        var missed = new ConcurrentQueue<string>();
        Assembly? Miss(AssemblyLoadContext context, AssemblyName name)
        {
            missed.Enqueue(name.Name!);
            return null;
        }

        AssemblyLoadContext.Default.Resolving += Miss;
        try
        {
            // Connect; query with LINQ and by hand; commit and roll back; fail; cancel a wait; time out; find no server.
            Assert.Empty(await _db.Owners.Where(owner => owner.Id == "u").ToListAsync(TestContext.Current.CancellationToken));
            Assert.Single(await new SqlServerOwnerRows().ReadAsync(_db, [Samples.Owner]));
            await AppendAsync(commits: true);
            await AppendAsync(commits: false);
            await using (await _db.Database.BeginTransactionAsync(IsolationLevel.Snapshot, TestContext.Current.CancellationToken))
            {
                Assert.True(await new SqlServerAuditStore().AppendAsync(_db, Samples.Append(1), PreconditionSet.None, commits: false));
            }

            await new SqlServerUseStore().AddAsync(
                _db, [new SecretUses(Guid.NewGuid(), 1, DateTimeOffset.UnixEpoch)], TestContext.Current.CancellationToken);
            await FailAsync(8134);
            using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _db.Database.ExecuteSqlRawAsync(TdsStandIn.Hang, cancellation.Token));
            await TimeOutAsync();
            await MissAsync();
        }
        finally
        {
            AssemblyLoadContext.Default.Resolving -= Miss;
        }

        // Other tests load assemblies at the same time.
        string[] theDrivers = ["Microsoft.Data.", "Microsoft.Identity", "Microsoft.SqlServer.", "Azure.", "System.IdentityModel."];
        Assert.DoesNotContain(missed, name => theDrivers.Any(start => name.StartsWith(start, StringComparison.Ordinal))
            && !name.EndsWith(".resources", StringComparison.Ordinal) && !name.EndsWith(".XmlSerializers", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(2601, "ux_secrets_name")]
    [InlineData(2627, "pk_owners")]
    [InlineData(547, null)]
    [InlineData(1205, null)]
    public async Task A_violated_rule_is_named(int number, string? index) => Assert.Equal(index, _faults.UniqueIndexOf(await FailAsync(number), ["ux_secrets", "ux_secrets_name", "pk_owners"]));

    [Theory]
    [InlineData(1205, true)]
    [InlineData(1222, true)]
    [InlineData(3906, true)]
    [InlineData(942, true)]
    [InlineData(4060, true)]
    [InlineData(40613, true)]
    [InlineData(2601, false)]
    [InlineData(2627, false)]
    [InlineData(547, false)]
    [InlineData(8134, false)]
    [InlineData(2628, false)]
    public async Task What_passes_is_told_from_what_does_not(int number, bool passes) => Assert.Equal(passes, _faults.IsUnavailable(await FailAsync(number)));

    [Fact]
    public async Task An_error_has_a_number_for_the_log()
    {
        Assert.Equal("8134", _faults.CodeOf(new InvalidOperationException("around it", await FailAsync(8134))));
        Assert.Null(_faults.CodeOf(new InvalidOperationException()));
    }

    [Fact]
    public async Task What_is_given_up_is_cancelled_and_no_error()
    {
        Func<CancellationToken, Task>[] ways =
        [
            token => _db.Database.ExecuteSqlRawAsync(TdsStandIn.Hang, token),
            token => _db.Database.SqlQueryRaw<int>($"SELECT 1 AS Value, '{TdsStandIn.Hang}' AS Why").ToListAsync(token),
            token => _db.Owners.Where(owner => owner.Id == TdsStandIn.Hang).TagWith(TdsStandIn.Hang).ToListAsync(token),
            token => _db.InTransactionAsync(
                async inner => await _db.Database.ExecuteSqlRawAsync(TdsStandIn.Hang, inner), token),
        ];
        foreach (var way in ways)
        {
            using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));

            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => way(cancellation.Token));
        }

        // For handwritten statements, and while rows are read, the driver itself throws.
        await using var connection = new SqlConnection(_server.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new SqlCommand(TdsStandIn.Hang, connection);
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        Assert.True(_faults.IsUnavailable(await Assert.ThrowsAnyAsync<SqlException>(() => command.ExecuteNonQueryAsync(soon.Token))));
    }

    [Fact]
    public async Task A_connection_that_read_a_snapshot_returns_at_the_ordinary_level()
    {
        Assert.Empty(await _db.InSnapshotAsync(
            () => _db.Owners.Where(owner => owner.Id == "u").ToListAsync(TestContext.Current.CancellationToken), TestContext.Current.CancellationToken));

        Assert.Equal([5, 2], _server.Levels.ToArray());
        _server.Levels.Clear();
        await Assert.ThrowsAnyAsync<SqlException>(() => _db.InSnapshotAsync(
            () => _db.Database.ExecuteSqlRawAsync($"{TdsStandIn.Fail}8134"), TestContext.Current.CancellationToken));
        Assert.Equal([5, 2], _server.Levels.ToArray());
    }

    [Fact]
    public async Task A_refused_log_in_is_said_at_once()
    {
        await using var refusing = new TdsStandIn { RefusesLogin = 4060 };
        var patient = new SqlConnectionStringBuilder(refusing.ConnectionString) { ConnectTimeout = 30 }.ConnectionString;
        await using var db = Samples.NewContext(patient);
        var since = System.Diagnostics.Stopwatch.GetTimestamp();

        var refused = await Assert.ThrowsAnyAsync<Exception>(() => db.Owners.AnyAsync(TestContext.Current.CancellationToken));

        Assert.True(_faults.IsUnavailable(refused));
        Assert.InRange(System.Diagnostics.Stopwatch.GetElapsedTime(since).TotalSeconds, 0, 5);
    }

    [Fact]
    public async Task A_time_out_passes() => Assert.True(_faults.IsUnavailable(await TimeOutAsync()));

    [Fact]
    public async Task A_server_that_is_not_there_may_come_back() => Assert.True(_faults.IsUnavailable(await MissAsync()));

    [Fact]
    public async Task A_pool_that_is_exhausted_has_room_later()
    {
        var text = new SqlConnectionStringBuilder(_server.ConnectionString) { Pooling = true, MaxPoolSize = 1, ConnectTimeout = 1 }.ConnectionString;
        await using var first = new SqlConnection(text);
        await first.OpenAsync(TestContext.Current.CancellationToken);
        await using var second = new SqlConnection(text);

        var refused = await Assert.ThrowsAnyAsync<Exception>(() => second.OpenAsync(TestContext.Current.CancellationToken));

        Assert.True(_faults.IsUnavailable(refused));
    }

    [Theory]
    [InlineData("Microsoft.Data.SqlClient", true)]
    [InlineData("Secrets.Infrastructure", false)]
    [InlineData(null, false)]
    public void Only_the_driver_may_stumble(string? source, bool expected)
    {
        Assert.Equal(expected, _faults.IsUnavailable(new NullReferenceException { Source = source }));
        Assert.Equal(expected, _faults.IsUnavailable(new InvalidOperationException("closed") { Source = source }));
    }

    [Fact]
    public void A_read_that_the_driver_cancels_is_a_lost_connection()
    {
        var cancelled = new TaskCanceledException();

        Assert.True(_faults.IsUnavailable(cancelled, CancellationToken.None));
        Assert.False(_faults.IsUnavailable(cancelled, new CancellationToken(canceled: true)));
    }

    [Fact]
    public void A_stream_below_the_driver_that_ends_is_a_lost_connection()
    {
        Exception[] ended =
        [
            new ObjectDisposedException("System.Net.Security.SslStream"),
            new IOException("Received an unexpected EOF") { Source = "System.Net.Security" },
            new AuthenticationException("The handshake failed"),
            new InvalidOperationException("closed") { Source = "Microsoft.Data.SqlClient" },
        ];

        Assert.All(ended, exception => Assert.True(_faults.IsUnavailable(new InvalidOperationException("advice of EF Core", exception))));
        Assert.False(_faults.IsUnavailable(new ObjectDisposedException("Secrets.Infrastructure.Batching.Batcher")));
        Assert.False(_faults.IsUnavailable(new IOException("a file")));
    }

    [Fact]
    public async Task A_transaction_whose_connection_turns_out_to_be_closed_is_run_again()
    {
        var runs = 0;

        var result = await _db.InTransactionAsync(
            _ => ++runs == 1 ? throw new InvalidOperationException("closed") { Source = "Microsoft.Data.SqlClient" } : Task.FromResult(runs),
            TestContext.Current.CancellationToken);

        Assert.Equal(2, result);
    }

    [Fact]
    public async Task A_transaction_that_lost_a_deadlock_is_run_again()
    {
        var runs = 0;

        var result = await _db.InTransactionAsync(
            async token =>
            {
                if (++runs < 3)
                {
                    await _db.Database.ExecuteSqlRawAsync($"{TdsStandIn.Fail}1205", token);
                }

                return runs;
            },
            TestContext.Current.CancellationToken);

        Assert.Equal(3, result);
    }

    [Fact]
    public async Task A_transaction_that_fails_for_good_is_not_run_again()
    {
        var runs = 0;

        await Assert.ThrowsAsync<SqlException>(() => _db.InTransactionAsync(
            async token =>
            {
                runs++;
                return await _db.Database.ExecuteSqlRawAsync($"{TdsStandIn.Fail}547", token);
            },
            TestContext.Current.CancellationToken));

        Assert.Equal(1, runs);
    }

    private async Task AppendAsync(bool commits)
    {
        await using var transaction = commits ? await _db.Database.BeginTransactionAsync(TestContext.Current.CancellationToken) : null;
        Assert.True(await new SqlServerAuditStore().AppendAsync(_db, Samples.Append(1), PreconditionSet.None, commits));
    }

    private async Task<SqlException> FailAsync(int number)
    {
        var question = $"{TdsStandIn.Fail}{number}";
        var thrown = await Assert.ThrowsAnyAsync<Exception>(() => _db.Database.ExecuteSqlRawAsync(question));
        return Assert.IsType<SqlException>(thrown.Find<SqlException>());
    }

    private Task<SqlException> TimeOutAsync() => Assert.ThrowsAsync<SqlException>(async () =>
    {
        await using var connection = new SqlConnection(_server.ConnectionString);
        await connection.OpenAsync();
        await using var command = new SqlCommand(TdsStandIn.Hang, connection) { CommandTimeout = 1 };
        await command.ExecuteNonQueryAsync();
    });

    private static Task<SqlException> MissAsync() => Assert.ThrowsAsync<SqlException>(async () =>
    {
        await using var connection = new SqlConnection("Server=tcp:127.0.0.1,1;User ID=u;Password=p;Connect Timeout=2;Encrypt=false;ConnectRetryCount=0");
        await connection.OpenAsync();
    });
}
