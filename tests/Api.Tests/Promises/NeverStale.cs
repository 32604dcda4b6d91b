using System.Diagnostics;
using System.Text.Json.Nodes;
using Secrets.TestKit;
using Secrets.TestKit.History;

namespace Secrets.Api.Tests.Promises;

/// <summary>Promise 4: no replica returns a value that was replaced or deleted before the request.</summary>
public sealed class NeverStale(ReplicaProcesses replicas) : IClassFixture<ReplicaProcesses>
{
    [Fact]
    public async Task All_answers_form_one_history_while_replicas_are_killed()
    {
        var (betweenKills, patience) = await TestDatabase.IsBabelfishAsync()
            ? (TimeSpan.FromSeconds(20), TimeSpan.FromMinutes(8))
            : (TimeSpan.FromSeconds(0.5), TimeSpan.FromMinutes(2));
        var history = new HistoryRecorder();
        await using var load = await WritesAndResolves.StartAsync(replicas, history);
        var watch = Stopwatch.StartNew();
        var (least, killed) = (TimeSpan.FromSeconds(Campaign.Size(12)), 0);
        while (watch.Elapsed < least || killed < Replicas.Count || !WritesAndResolves.AreEnough(history))
        {
            Assert.True(watch.Elapsed < least + patience, "too few operations to judge");
            await Task.Delay(betweenKills);
            await replicas.ReplaceAsync(killed++ % Replicas.Count);
        }

        await load.StopAsync();

        var contradiction = history.Contradiction();
        Assert.True(contradiction is null, contradiction);
    }

    [Fact]
    public async Task A_cache_of_50_ms_would_be_detected()
    {
        var patience = TimeSpan.FromSeconds(await TestDatabase.IsBabelfishAsync() ? 120 : 20);
        var history = new HistoryRecorder();
        var caches = Enumerable.Range(0, Replicas.Count).Select(replica => new Cache(() => WritesAndResolves.AskAsync(replicas[replica]))).ToList();
        await using var load = await WritesAndResolves.StartAsync(replicas, history, replica => caches[replica].AskAsync());
        var watch = Stopwatch.StartNew();
        while (history.Contradiction() is null)
        {
            Assert.True(watch.Elapsed < patience, $"not noticed in {history.Operations.Count} operations");
            await Task.Delay(500);
        }
    }

    /// <summary>Caches answers for 50 ms, which the service must never do.</summary>
    private sealed class Cache(Func<Task<JsonNode?>> ask)
    {
        private readonly Lock _lock = new();
        private Task<JsonNode?> _answer = Task.FromResult<JsonNode?>(null);
        private long _since;

        public Task<JsonNode?> AskAsync()
        {
            lock (_lock)
            {
                if (_answer.IsCompleted && Stopwatch.GetElapsedTime(_since) > TimeSpan.FromMilliseconds(50))
                {
                    _answer = RefreshAsync();
                }

                return _answer;
            }
        }

        private async Task<JsonNode?> RefreshAsync()
        {
            var answer = await ask();
            _since = Stopwatch.GetTimestamp();
            return answer;
        }
    }
}
