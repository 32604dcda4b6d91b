using Npgsql;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Persistence;

/// <summary>Promise 3 depends on durable commits of the database. Tested on PostgreSQL, whose server belongs to the test.</summary>
public sealed class KeepingWhatWasAcknowledged(KeepingWhatWasAcknowledged.Durable durable) : IClassFixture<KeepingWhatWasAcknowledged.Durable>
{
    private const string Escape = "Database__MayLoseAcknowledgedData";

    [Theory]
    [InlineData("on")]
    [InlineData("local")]
    [InlineData("remote_write")]
    [InlineData("remote_apply")]
    public async Task It_starts_where_a_commit_waits_for_the_servers_own_disk(string value)
    {
        await using var service = Start($";Options='-c synchronous_commit={value}'");

        await service.AddressAsync();
    }

    [Theory]
    [InlineData("in the connection string")]
    [InlineData("in the database")]
    public async Task It_does_not_start_where_a_commit_waits_for_nothing(string place)
    {
        var inDatabase = place == "in the database";
        await SetInDatabaseAsync(inDatabase ? "off" : "on");
        await using var service = Start(inDatabase ? "" : ";Options='-c synchronous_commit=off'");

        await MustBeRefusedAsync(service, "synchronous_commit is off for the service");
        await SetInDatabaseAsync("on");
    }

    [Fact]
    public async Task It_is_not_ready_once_a_commit_waits_for_nothing()
    {
        await using var service = Start("");
        using var client = await service.ClientAsync(Installation.Key);
        (await client.GetAsync("/health/ready")).MustBe(200);
        await SetInDatabaseAsync("off");
        try
        {
            await durable.Database.EndSessionsAsync(); // sessions keep the setting with which they began
            NpgsqlConnection.ClearAllPools(); // of this test
            string? reason = null; // of an ended session, there is none
            for (var attempt = 0; attempt < 100 && reason is null; attempt++)
            {
                await Task.Delay(100, TestContext.Current.CancellationToken);
                reason = (await client.GetAsync("/health/ready")).MustBe(503).Json["reasons"]!["database"]?.GetValue<string>();
            }

            Assert.Contains("synchronous_commit is off for the service", reason, StringComparison.Ordinal);
        }
        finally
        {
            await SetInDatabaseAsync("on");
        }
    }

    [Fact]
    public async Task It_does_not_start_where_nothing_is_flushed_unless_told_that_data_may_be_lost()
    {
        using var careless = await Installation.NewAsync();
        await careless.MakeAsync();
        await using (var refused = careless.Start(settings: (Escape, null)))
        {
            await MustBeRefusedAsync(refused, "fsync is off");
        }

        await using var warned = careless.Start(settings: (Escape, "true"));
        await warned.AddressAsync();
        Assert.Contains("fsync is off", warned.Output, StringComparison.Ordinal);
        Assert.Contains("Database:MayLoseAcknowledgedData", warned.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fsync", "fsync is off")]
    [InlineData("synchronous_commit", "synchronous_commit is off for the service")]
    public async Task Nor_with_the_embedded_database(string setting, string expected)
    {
        var folder = Directory.CreateTempSubdirectory("secrets-run-").FullName;
        try
        {
            await using var service = ServiceProcess.Start(new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["Embedded__DataDirectory"] = folder,
                [$"Embedded__Settings__{setting}"] = "off",
                [Escape] = "false",
            });
            await MustBeRefusedAsync(service, expected);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private ServiceProcess Start(string more) =>
        durable.Database.Installation.Start(durable.Database.Installation.ConnectionString + more, (Escape, null));

    private async Task SetInDatabaseAsync(string value) => await TestDatabase.RunAsync(
        durable.Database.Installation.ConnectionString,
        TestDatabase.Own($"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = {value}', current_database()); END $$"),
        [],
        command => command.ExecuteNonQueryAsync());

    private static async Task MustBeRefusedAsync(ServiceProcess service, string expected)
    {
        Assert.Equal(1, await service.ExitCodeAsync());
        var line = Assert.Single(service.Output.Split('\n'), line => line.StartsWith("Secrets cannot start", StringComparison.Ordinal));
        Assert.Contains(expected, line, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", service.Output, StringComparison.Ordinal);
    }

    public sealed class Durable : IAsyncLifetime
    {
        public BreakableDatabase Database { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Database = await BreakableDatabase.NewAsync();

        public ValueTask DisposeAsync() => Database.DisposeAsync();
    }
}
