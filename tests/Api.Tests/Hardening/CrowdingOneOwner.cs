using System.Diagnostics;
using System.Text.Json.Nodes;
using Secrets.Api.Tests.V1;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Hardening;

/// <summary>Writes of one owner run one after the other. Waiting writes hold no resource that other owners need.</summary>
public sealed class CrowdingOneOwner(CrowdingOneOwner.OwnServer own) : IClassFixture<CrowdingOneOwner.OwnServer>
{
    /// <summary>The maximum number of writes that wait for the running write of an owner.</summary>
    private const int Waiting = 256;

    [Fact]
    public async Task Waiting_writes_hold_no_connection_are_bounded_and_complete()
    {
        const int Excess = 20;
        var server = own.Server;
        var mostSeconds = await TestDatabase.IsBabelfishAsync() ? 20 : 5;
        const int Crowd = 1 + Waiting + Excess;
        using var busy = await server.NewUserAsync();
        using var other = await server.NewUserAsync();
        var counted = Answers.One(await busy.CreateSecretAsync("counted"));
        var others = Answers.One(await other.CreateSecretAsync("other"));

        List<Task<Answer>> crowd;
        await using (await server.HoldAsync("UPDATE owners SET stamp = stamp WHERE id = @id", ("id", busy.UserId.ToString())))
        {
            crowd = [.. Enumerable.Range(0, Crowd).Select(at => busy.PatchAsync(counted, new JsonObject { ["secret_name"] = $"counted {at}" }))];
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(90));
            while (crowd.Count(answer => answer.IsCompleted) < Excess)
            {
                await Task.Delay(20, patience.Token);
            }

            for (var at = 0; at < 10; at++)
            {
                var since = Stopwatch.GetTimestamp();
                (await other.PatchAsync(others, new JsonObject { ["secret_name"] = $"other {at}" })).MustBe(200);
                (await other.GetAsync(others)).MustBe(200);
                Assert.InRange(Stopwatch.GetElapsedTime(since).TotalSeconds, 0, mostSeconds);
            }
        }

        var answers = (await Task.WhenAll(crowd)).ToLookup(answer => answer.Status);
        Assert.Equal((Crowd - Excess, Excess), (answers[200].Count(), answers[503].Count()));
        Assert.All(answers[503], answer => Assert.Equal(TimeSpan.FromSeconds(1), answer.MustBeError(503).Headers.RetryAfter!.Delta));
        Assert.Equal($"\"{1 + Crowd - Excess}\"", (await busy.GetAsync(counted)).MustBe(200).Headers.ETag!.Tag);
    }

    /// <summary>A server with a long time limit, so that no request times out while the test locks an owner.</summary>
    public sealed class OwnServer : IAsyncLifetime
    {
        public ApiServer Server { get; } = ApiServer.With(("Limits:RequestSeconds", "300"));

        public ValueTask InitializeAsync() => Server.InitializeAsync();

        public ValueTask DisposeAsync() => Server.DisposeAsync();
    }
}
