using System.Diagnostics;
using System.Text.Json.Nodes;
using Secrets.Api.Tests.V1;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>
/// Promise 3: no value leaves before its audit row is durable, whenever the database or the service fails. A request that cannot be audited
/// gets 503. The service recovers without a restart.
/// </summary>
public sealed class AuditBeforeRelease : IAsyncLifetime
{
    private const string Ready = "/health/ready";
    private const int Seed = 20_261_121;

    private readonly Ledger _ledger = new();
    private BreakableDatabase _database = null!;
    private int _names;

    // Seconds until a condition must hold.
    private int _patience = 20;

    private Installation Installation => _database.Installation;

    public async ValueTask InitializeAsync()
    {
        if (TestDatabase.IsThere) // without a database every test is skipped
        {
            _database = await BreakableDatabase.NewAsync();
            _patience = await TestDatabase.IsBabelfishAsync() ? 60 : _patience;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (TestDatabase.IsThere)
        {
            await _database.DisposeAsync();
        }
    }

    [Fact]
    public Task The_database_ends_sessions_under_load() => WhileUnderLoadAsync(rounds: Campaign.Size(4), _ => Task.CompletedTask);

    [Fact]
    public async Task The_database_fails_under_load()
    {
        await TestDatabase.SkipOnBabelfishAsync("has no ALTER DATABASE.");
        await WhileUnderLoadAsync(rounds: Campaign.Size(2), MakeReadOnlyAsync, TakeOfflineAsync);
    }

    [Theory]
    [InlineData(Direction.ToDatabase, false)]
    [InlineData(Direction.ToService, false)]
    [InlineData(Direction.ToDatabase, true)]
    [InlineData(Direction.ToService, true)]
    public async Task The_database_connection_breaks_at_any_message(Direction direction, bool encrypts)
    {
        Assert.SkipWhen(encrypts && !TestDatabase.IsSqlServer, "The proxy does not find the messages of an encrypted PostgreSQL connection.");
        await using var proxy = encrypts ? new CuttingProxy(Installation.ConnectionString, new TdsProtocol(encrypts)) : new CuttingProxy(Installation.ConnectionString);
        await using var service = Installation.StartHere(proxy.ConnectionString);
        using var client = await service.ClientAsync(Installation.Key);
        var id = await CreateDefaultsAsync(client);
        foreach (var act in (Func<Task>[])[() => ResolveAsync(client), () => CreateAsync(client), () => UpdateAsync(client, id)])
        {
            // Once with an open connection, once with a new one, so that its handshake breaks too.
            foreach (var isWarm in (bool[])[true, false])
            {
                var message = 1;
                while (await IsCutInAsync(message))
                {
                    message++;
                }

                // SQL Server gets a resolve with an open connection in one message, PostgreSQL in several.
                Assert.InRange(message, isWarm ? (TestDatabase.IsSqlServer ? 2 : 3) : 6, 200);

                async Task<bool> IsCutInAsync(int number)
                {
                    if (isWarm)
                    {
                        await UntilItServesAsync(client);
                        await act();
                    }

                    proxy.CutIn(direction, number);
                    await act();
                    var isDown = proxy.IsDown;
                    if (isDown)
                    {
                        (await client.GetAsync(Ready)).MustBe(503);
                    }

                    proxy.Heal();
                    return isDown;
                }
            }
        }

        await MustBeSoundAsync(client);
    }

    [Fact]
    public async Task The_service_is_killed_under_load()
    {
        var (random, most) = (new Random(Seed), await TestDatabase.IsBabelfishAsync() ? 30 : 600);
        for (var killed = 0; killed < Campaign.Size(2, least: 2); killed++)
        {
            await using var service = Installation.Start();
            using var client = await service.ClientAsync(Installation.Key);
            var id = killed == 0 ? await CreateDefaultsAsync(client) : (await client.GetAsync($"{Answers.Secrets}?secret_name=one")).MustBeList()[0].Id();
            var released = _ledger.Released + random.Next(1, most);
            await using var load = StartLoad(client, id, mayVanish: true);
            await UntilAsync(() => Task.FromResult(_ledger.Released >= released), "values are released");
            await service.KillAsync();
            await load.StopAsync();
        }

        await using var next = Installation.StartHere();
        using var after = await next.ClientAsync(Installation.Key);
        await MustBeSoundAsync(after);
    }

    /// <summary>Does each harm after sessions were ended at random times. The service recovers from each, and the audit has every operation.</summary>
    private async Task WhileUnderLoadAsync(int rounds, params Func<ApiClient, Task>[] harms)
    {
        await using var service = Installation.Start();
        using var client = await service.ClientAsync(Installation.Key);
        var id = await CreateDefaultsAsync(client);
        var random = new Random(Seed);
        await using (StartLoad(client, id))
        {
            foreach (var harm in Enumerable.Repeat(harms, rounds).SelectMany(each => each))
            {
                for (var cut = 0; cut < 20; cut++)
                {
                    await Task.Delay(random.Next(60));
                    await _database.EndSessionsAsync();
                }

                await harm(client);
                await UntilItServesAsync(client);
                var (released, written) = (_ledger.Released + 25, _ledger.Written + 5);
                await UntilAsync(() => Task.FromResult(_ledger.Released > released && _ledger.Written > written), "the load continues");
            }
        }

        await MustBeSoundAsync(client);
    }

    /// <summary>Creates two defaults for the resolved arguments and returns the id of one.</summary>
    private static async Task<Guid> CreateDefaultsAsync(ApiClient client)
    {
        await client.CreateSecretAsync("other", "a value of a secret", "*", "b", isDefault: true);
        return await client.CreateSecretAsync("one", "a value of a secret", ToolCalls.Tool, "a", isDefault: true);
    }

    private async Task ResolveAsync(ApiClient client) =>
        _ledger.AddResolve(await client.AskAsync(ToolCalls.Resolve, ToolCalls.Call(["a", "b"])));

    private async Task CreateAsync(ApiClient client) => _ledger.AddWrite(await client.PostAsync(
        Answers.Secrets,
        new JsonObject { ["secret_name"] = $"name {Interlocked.Increment(ref _names)}", ["secret_value"] = "a value of a secret" }));

    private async Task UpdateAsync(ApiClient client, Guid id) =>
        _ledger.AddWrite(await client.PatchAsync(Answers.One(id), new JsonObject { ["secret_value"] = "another value" }));

    /// <summary>Starts workers that resolve, create and update.</summary>
    /// <param name="client">The client of all workers.</param>
    /// <param name="id">The secret that they update.</param>
    /// <param name="mayVanish">Whether requests may fail because the service is killed.</param>
    private Load StartLoad(ApiClient client, Guid id, bool mayVanish = false)
    {
        var resolve = () => ResolveAsync(client);
        var load = new Load();
        foreach (var act in (Func<Task>[])
            [resolve, resolve, resolve, resolve, () => CreateAsync(client), () => UpdateAsync(client, id)])
        {
            load.Add(async () =>
            {
                try
                {
                    await act();
                }
                catch (HttpRequestException) when (mayVanish)
                {
                    await Task.Delay(10);
                }
            });
        }

        return load;
    }

    private async Task MakeReadOnlyAsync(ApiClient client)
    {
        await _database.BeReadOnlyAsync();
        await client.UntilReadyIsAsync(503, _patience);
        await Task.Delay(200);
        (await client.GetAsync(Ready)).MustBe(503);
        await _database.BeWritableAsync();
    }

    private async Task TakeOfflineAsync(ApiClient client)
    {
        await _database.VanishAsync();
        await client.UntilReadyIsAsync(503, _patience);
        await _database.ReturnAsync();
    }

    /// <summary>Waits until the service recovers, which takes seconds and no restart.</summary>
    private async Task UntilItServesAsync(ApiClient client)
    {
        await client.UntilReadyIsAsync(200, _patience);
        await UntilAsync(
            async () =>
            {
                var before = _ledger.Released;
                await ResolveAsync(client);
                return _ledger.Released > before;
            },
            "values are released");
    }

    private async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(_patience), $"not within {_patience} s: {what}");
            await Task.Delay(20);
        }
    }

    /// <summary>Asserts that every acknowledged operation is in the audit and that the audit verifies.</summary>
    private async Task MustBeSoundAsync(ApiClient client)
    {
        await UntilItServesAsync(client);
        var check = (await client.GetAsync("/api/v1/audit/verify")).MustBe(200);
        Assert.True(check.Json["ok"]!.GetValue<bool>(), $"{check}");
        await _ledger.MustBeInTheAuditAsync(Installation.ConnectionString);
    }
}
