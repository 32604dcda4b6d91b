using System.Data;
using System.Net;
using System.Net.Sockets;
using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore;
using Secrets.Application.Common;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.SqlServer;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.SqlServer;

/// <summary>
/// Uses the real driver against a simulated server, and cuts the connection at each message. Every failure must mean an unavailable database (503), come
/// quickly, and end as soon as the server is back.
/// </summary>
public sealed class LosingTheConnection
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    private readonly SqlServerFaults _faults = new();

    /// <summary>All uses of a connection in the service.</summary>
    private static readonly Dictionary<string, Func<SqlServerSecretsDbContext, Task>> Acts = new(StringComparer.Ordinal)
    {
        ["a query"] = db => db.Owners.Where(owner => owner.Id == "u").ToListAsync(),
        ["a command"] = db => db.Database.ExecuteSqlRawAsync("UPDATE"),
        ["owners"] = db => new SqlServerOwnerRows().ReadAsync(db, [Samples.Owner]),
        ["audit"] = db => new SqlServerAuditStore().AppendAsync(db, Samples.Append(1), PreconditionSet.None, commits: false),
        ["audit of many"] = db => new SqlServerAuditStore().AppendAsync(db, Samples.Append(500), PreconditionSet.None, commits: false),
        ["uses"] = db => new SqlServerUseStore().AddAsync(db, [new SecretUses(Guid.Empty, 1, DateTimeOffset.UnixEpoch)], CancellationToken.None),
        ["new secrets with their audit"] = async db =>
        {
            await using var transaction = await db.Database.BeginTransactionAsync();
            var store = new SqlServerNewSecretStore();
            await store.LockAsync(db, [Samples.Owner]);
            await store.StoreAsync(db, [Samples.NewSecret()]);
            await store.UpdateAccountsAsync(db, [Samples.Move]);
            await new SqlServerAuditStore().AppendAsync(db, Samples.Append(1), PreconditionSet.None, commits: true);
        },
        ["a transaction that is taken back"] = async db =>
        {
            await using var transaction = await db.Database.BeginTransactionAsync(IsolationLevel.Snapshot);
            await db.Owners.Where(owner => owner.Id == "u").ToListAsync();
            await transaction.RollbackAsync();
        },
    };

    public static TheoryData<string, Direction, TdsEncryption> Conversations
    {
        get
        {
            var data = new TheoryData<string, Direction, TdsEncryption>();
            foreach (var act in Acts.Keys)
            {
                foreach (var direction in Enum.GetValues<Direction>())
                {
                    foreach (var encryption in Enum.GetValues<TdsEncryption>())
                    {
                        data.Add(act, direction, encryption);
                    }
                }
            }

            return data;
        }
    }

    /// <summary>The number of cuts also proves that the proxy finds the end of each TDS message.</summary>
    [Theory]
    [MemberData(nameof(Conversations))]
    public async Task Each_cut_is_an_unavailable_database(string act, Direction direction, TdsEncryption encryption)
    {
        await using var server = new TdsStandIn(encryption);
        await using var proxy = new CuttingProxy(server.ConnectionString, new TdsProtocol(encryption == TdsEncryption.Always));
        foreach (var share in (double[])[0, 0.5])
        {
            // On a pooled connection, and on one that must be opened.
            var warm = await CutEverywhereAsync(proxy, act, direction, share, isWarm: true);
            var cold = await CutEverywhereAsync(proxy, act, direction, share, isWarm: false);

            if (encryption == TdsEncryption.Always)
            {
                // A long message takes several TLS records, which the proxy counts.
                Assert.InRange(warm, MessagesOf(act), 100);
                Assert.InRange(cold, warm + 4, warm + 6);
                continue;
            }

            Assert.Equal(MessagesOf(act), warm);

            // Greeting, two handshakes, login.
            Assert.Equal(warm + (encryption == TdsEncryption.OfLogin ? 4 : 2), cold);
        }
    }

    [Theory]
    [InlineData(Direction.ToDatabase)]
    [InlineData(Direction.ToService)]
    public async Task A_transaction_that_lost_its_connection_is_run_again(Direction direction)
    {
        await using var server = new TdsStandIn(TdsEncryption.OfLogin);
        await using var proxy = new CuttingProxy(server.ConnectionString, new TdsProtocol());
        var (message, isCut) = (0, true);
        while (isCut)
        {
            message++;
            using var stop = new CancellationTokenSource();
            proxy.CutIn(direction, message);
            var (healing, runs) = (HealAsync(proxy, stop.Token), 0);
            await using var db = NewContext(proxy.ConnectionString);

            await db.InTransactionAsync(
                async token =>
                {
                    runs++;
                    return await db.Database.ExecuteSqlRawAsync("UPDATE", token);
                },
                TestContext.Current.CancellationToken).WaitAsync(Soon, TestContext.Current.CancellationToken);

            await stop.CancelAsync();
            isCut = await healing;
            proxy.Heal();
            Assert.InRange(runs, 1, isCut ? 2 : 1);
        }

        Assert.Equal(3, message - 1); // begin, update, commit
    }

    [Fact]
    public async Task A_transaction_without_a_server_is_given_up_soon()
    {
        await using var server = new TdsStandIn();
        await using var proxy = new CuttingProxy(server.ConnectionString, new TdsProtocol());
        proxy.GoDown();
        await using var db = NewContext(proxy.ConnectionString);

        var thrown = await Record.ExceptionAsync(() => db.InTransactionAsync(_ => Task.FromResult(true), TestContext.Current.CancellationToken)
            .WaitAsync(Soon, TestContext.Current.CancellationToken));

        MustBeUnavailable(thrown, "");
    }

    [Fact]
    public async Task A_server_that_is_silent_is_waited_for_as_long_as_the_settings_say_by_all_at_once()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var text = $"Server=tcp:127.0.0.1,{((IPEndPoint)silent.LocalEndpoint).Port};User ID=u;Password=p;Encrypt=false;Connect Timeout=2";

        var all = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            await using var db = NewContext(text);
            return await Record.ExceptionAsync(() => db.Owners.ToListAsync(TestContext.Current.CancellationToken));
        })).WaitAsync(Soon, TestContext.Current.CancellationToken);

        Assert.All(all, thrown => MustBeUnavailable(thrown, ""));
    }

    [Fact]
    public async Task A_snapshot_that_cannot_be_left_hides_neither_what_was_read_nor_why_it_was_not()
    {
        await using var server = new TdsStandIn();
        var text = new SqlConnectionStringBuilder(server.ConnectionString) { Pooling = true, MaxPoolSize = 1, ConnectTimeout = 1 }.ConnectionString;
        await using var db = Samples.NewContext(text);
        await using var other = new SqlConnection(db.Database.GetConnectionString());

        Assert.Equal("read", await db.InSnapshotAsync(LoseAsync, TestContext.Current.CancellationToken));
        await other.CloseAsync();
        await Assert.ThrowsAsync<TimeZoneNotFoundException>(() => db.InSnapshotAsync<string>(
            async () => throw new TimeZoneNotFoundException(await LoseAsync()), TestContext.Current.CancellationToken));
        await other.CloseAsync();

        // The failed attempt holds no connection: another one opens and closes normally.
        await db.Database.ExecuteSqlRawAsync("UPDATE", TestContext.Current.CancellationToken);
        Assert.Equal(ConnectionState.Closed, db.Database.GetDbConnection().State);

        // The context's connection ends, and another caller takes the only allowed connection.
        async Task<string> LoseAsync()
        {
            await db.Database.GetDbConnection().CloseAsync();
            await other.OpenAsync(TestContext.Current.CancellationToken);
            return "read";
        }
    }

    /// <summary>Returns the number of messages that could be cut.</summary>
    private async Task<int> CutEverywhereAsync(CuttingProxy proxy, string act, Direction direction, double share, bool isWarm)
    {
        for (var message = 1; ; message++)
        {
            // Each has its own pool, so that a cold pool is really empty.
            var text = new SqlConnectionStringBuilder(proxy.ConnectionString) { ApplicationName = $"{direction} {share} {isWarm} {message}" }.ConnectionString;
            if (isWarm)
            {
                await ActAsync(text, act);
            }

            proxy.CutIn(direction, message, share);
            var thrown = await Record.ExceptionAsync(() => ActAsync(text, act));
            var isDown = proxy.IsDown;
            proxy.Heal();
            if (!isDown)
            {
                Assert.Null(thrown);
                return message - 1;
            }

            MustBeUnavailable(thrown, $"{act}, {direction}, {share} of message {message}, {(isWarm ? "warm" : "cold")}");
            await ActAsync(text, act); // without a pause
        }
    }

    private void MustBeUnavailable(Exception? thrown, string where)
    {
        Assert.True(thrown is not null, $"nothing was thrown: {where}");
        Assert.True(thrown is UnavailableException || _faults.IsUnavailable(thrown), $"{where}: {thrown}");
    }

    private static async Task ActAsync(string connectionString, string act)
    {
        await using var db = NewContext(connectionString);
        await Acts[act](db).WaitAsync(Soon);
    }

    /// <summary>The number of requests of an act on an open connection, for any number of rows.</summary>
    private static int MessagesOf(string act) => act switch
    {
        "new secrets with their audit" => 6, // begin, lock, store, move, append, commit
        "a transaction that is taken back" => 3,
        _ => 1,
    };

    /// <summary>Repairs the connection after a cut. Returns whether there was a cut before the test ended.</summary>
    private static async Task<bool> HealAsync(CuttingProxy proxy, CancellationToken stop)
    {
        while (!proxy.IsDown)
        {
            if (stop.IsCancellationRequested)
            {
                return false;
            }

            await Task.Delay(5, CancellationToken.None);
        }

        proxy.Heal();
        return true;
    }

    private static SqlServerSecretsDbContext NewContext(string connectionString) => Samples.NewContext(
        new SqlConnectionStringBuilder(connectionString) { Pooling = true }.ConnectionString);
}
