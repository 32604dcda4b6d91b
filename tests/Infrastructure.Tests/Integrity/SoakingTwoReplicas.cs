using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Encryption.Rotation;
using Secrets.Infrastructure.Persistence;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Integrity;

/// <summary>
/// Legitimate load on two replicas never looks like tampering while keys of every layer are replaced, retention runs and checkpoints are made. Runs six
/// seconds; with full campaigns ten minutes.
/// </summary>
public sealed class SoakingTwoReplicas : IAsyncLifetime
{
    private const string Secrets = "/api/v1/secrets";
    private const int Users = 12;

    private readonly LateClock _clock = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("secrets-soak-").FullName;
    private readonly ConcurrentDictionary<string, int> _done = new(StringComparer.Ordinal);
    private ApiServer[] _replicas = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        if (!TestDatabase.IsThere)
        {
            return; // every test is skipped
        }

        var first = ApiServer.With(("Audit:CheckpointFile", Path.Combine(_folder, "first.json")));
        first.Clock = _clock;
        await first.InitializeAsync();
        var second = ApiServer.With(
            ("Audit:CheckpointFile", Path.Combine(_folder, "second.json")),
            ("ConnectionStrings:Secrets", first.Services.GetRequiredService<IDatabaseServer>().ConnectionString),
            ("Encryption:RootKeyFile", first.Services.GetRequiredService<IOptions<EncryptionOptions>>().Value.RootKeyFile));
        second.Clock = _clock;
        await second.InitializeAsync();
        _replicas = [first, second];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas.Reverse())
        {
            await replica.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Nobody_cries_wolf()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(Campaign.Size(60)));
        var shared = $"org-{Guid.NewGuid():N}";
        var load = Enumerable.Range(0, Users).Select(number => UseAsync(number, number % 3 == 0 ? shared : null, stop.Token)).ToList();
        load.Add(ManageKeysAsync(stop.Token));
        load.Add(ReplaceKeysAsync(stop.Token));
        load.Add(KeepHouseAsync(stop.Token));
        await Task.WhenAll(load);

        foreach (var replica in _replicas)
        {
            Assert.DoesNotContain(replica.Log.Lines, line => line.Contains("outside the service", StringComparison.Ordinal) || line.Contains("set back", StringComparison.Ordinal));
            using var @operator = replica.Operator();

            // The clock was moved by days. Without a new checkpoint, the last one would look too old.
            await replica.Services.GetRequiredService<CheckpointKeeper>().RunAsync(Cancellation);
            Assert.Equal(0, (await @operator.GetAsync("/health/ready")).MustBe(200).Json["integrity"]!["owners"]!.GetValue<int>());
            Assert.Empty((await @operator.GetAsync("/api/v1/audit?action=integrity.failure")).MustBe(200).Json["data"]!.AsArray());
            var verdict = (await @operator.GetAsync("/api/v1/audit/verify")).MustBe(200);
            Assert.True(verdict.Json["ok"]!.GetValue<bool>(), verdict.Body);
        }

        // Every kind of work was done at least once.
        string[] kinds = ["create", "update", "delete", "resolve", "rotate data_keys", "rotate key_ring", "rotate integrity", "retention", "checkpoint", "key"];
        Assert.All(kinds, kind => Assert.True(_done.GetValueOrDefault(kind) > 0, $"no {kind}: {string.Join(", ", _done)}"));
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join(", ", _done.OrderBy(pair => pair.Key, StringComparer.Ordinal)));
    }

    /// <summary>Writes and resolves at both replicas. A resolve returns the last acknowledged value.</summary>
    private async Task UseAsync(int number, string? organization, CancellationToken stop)
    {
        var random = new Random(number);
        var key = await _replicas[number % 2].NewKeyAsync(
            Guid.NewGuid(), ["secrets:read", "secrets:write", "secrets:resolve"], organization, "admin");
        var clients = _replicas.Select(replica => replica.WithKey(key.Key!)).ToList();
        var query = organization is null ? "" : $"?organization_id={organization}";
        var known = new Dictionary<string, (Guid Id, string Value)>(StringComparer.Ordinal);
        for (var step = 0; !stop.IsCancellationRequested; step++)
        {
            var client = clients[random.Next(2)];
            var tool = $"t{number}_{random.Next(6)}";
            var value = $"value {number} {step}";
            if (!known.TryGetValue(tool, out var secret))
            {
                var body = new JsonObject { ["secret_name"] = tool, ["secret_value"] = value, ["tool_name"] = tool, ["tool_arg"] = "a", ["is_default_for_tool"] = true };
                known[tool] = ((await client.PostAsync($"{Secrets}{query}", body)).MustBe(200).Json["secret_id"]!.GetValue<Guid>(), value);
                Count("create");
            }
            else if (random.Next(6) == 0)
            {
                (await client.DeleteAsync($"{Secrets}/{secret.Id}")).MustBe(200);
                known.Remove(tool);
                Count("delete");
            }
            else if (random.Next(3) == 0)
            {
                (await client.PatchAsync($"{Secrets}/{secret.Id}", new JsonObject { ["secret_value"] = value })).MustBe(200);
                known[tool] = (secret.Id, value);
                Count("update");
            }

            var call = new JsonObject { ["tool_name"] = tool, ["user_id"] = key.UserId.ToString() };
            if (organization is not null)
            {
                call["organization_id"] = organization;
            }

            var values = (await clients[random.Next(2)].AskAsync($"{Secrets}/resolve", call)).MustBe(200).Json["values"]!.AsArray();
            Assert.Equal(known.TryGetValue(tool, out var expected) ? [expected.Value] : [], values.Select(found => found!["secret_value"]!.GetValue<string>()));
            Count("resolve");
        }

        clients.ForEach(client => client.Dispose());
        key.Dispose();
    }

    /// <summary>Creates, rotates and revokes API keys at one replica, and uses them at the other.</summary>
    private async Task ManageKeysAsync(CancellationToken stop)
    {
        using var maker = _replicas[0].Operator();
        using var revoker = _replicas[1].Operator();
        var user = Guid.NewGuid();
        while (!stop.IsCancellationRequested)
        {
            var made = (await maker.PostAsync("/api/v1/api-keys", new JsonObject { ["name"] = "n", ["user_id"] = $"{user}", ["scopes"] = new JsonArray("secrets:read") })).MustBe(200).Json;
            using var used = _replicas[1].WithKey(made["key"]!.GetValue<string>());
            (await used.GetAsync(Secrets)).MustBe(200);
            var replaced = (await revoker.PostAsync($"/api/v1/api-keys/{made["id"]}/rotate", new JsonObject { ["grace_seconds"] = 0 })).MustBe(200).Json;
            using var next = _replicas[0].WithKey(replaced["key"]!.GetValue<string>());
            (await next.GetAsync(Secrets)).MustBe(200);
            (await maker.DeleteAsync($"/api/v1/api-keys/{replaced["id"]}")).MustBe(200);
            (await next.GetAsync(Secrets)).MustBe(401);
            Count("key");
        }
    }

    /// <summary>Replaces the keys of every layer, on both replicas at once, and moves the clock past the time that old keys stay.</summary>
    private async Task ReplaceKeysAsync(CancellationToken stop)
    {
        using var @operator = _replicas[1].Operator();
        do
        {
            foreach (var layer in (string[])["data_keys", "key_ring", "integrity"])
            {
                (await @operator.PostAsync("/api/v1/encryption/rotate", new JsonObject { ["layer"] = layer })).MustBe(200);
                Count($"rotate {layer}");
                await Task.WhenAll(_replicas.Select(replica => replica.ReplaceKeysAsync()));

                // Move the clock in small steps, because each replica reads the keys every minute.
                foreach (var replica in _replicas)
                {
                    replica.Services.GetRequiredService<KeyRing>().Refresh();
                }

                _clock.MoveOn(ApiServer.RetiredKeysStay);
                foreach (var replica in _replicas)
                {
                    replica.Services.GetRequiredService<KeyRing>().Refresh();
                }

                await Task.WhenAll(_replicas.Select(replica => replica.ReplaceKeysAsync()));
            }

            _clock.MoveOn(KeyRingReplacement.GracePeriod);
            foreach (var replica in _replicas)
            {
                replica.Services.GetRequiredService<KeyRing>().Refresh();
            }

            await Task.WhenAll(_replicas.Select(replica => replica.ReplaceKeysAsync()));
        }
        while (!stop.IsCancellationRequested);
    }

    /// <summary>Removes all but the newest audit rows, and makes checkpoints.</summary>
    private async Task KeepHouseAsync(CancellationToken stop)
    {
        do
        {
            foreach (var replica in _replicas)
            {
                using var retention = ActivatorUtilities.CreateInstance<AuditRetention>(replica.Services);
                await retention.RemoveAsync(_clock.GetUtcNow().AddSeconds(-1), Cancellation);
                Count("retention");
                await replica.Services.GetRequiredService<CheckpointKeeper>().RunAsync(Cancellation);
                Count("checkpoint");
            }
        }
        while (!stop.IsCancellationRequested);
    }

    private void Count(string kind) => _done.AddOrUpdate(kind, 1, (_, count) => count + 1);
}
