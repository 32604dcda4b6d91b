using System.Text.Json.Nodes;
using Secrets.Api.Tests.V1;
using Secrets.TestKit;
using Secrets.TestKit.History;

namespace Secrets.Api.Tests.Promises;

/// <summary>Clients that write and resolve four arguments through all replicas, and record the history of their operations.</summary>
internal static class WritesAndResolves
{
    private const string Tool = "tool__get";
    private const string Wide = "the value of the wide one";
    private const int Readers = 6;

    // The resolved arguments. The answer for each changes in a different way.
    private const string Updated = "updated";
    private const string Deleted = "deleted";
    private const string Repatterned = "repatterned";
    private const string Renamed = "renamed";
    private static readonly string[] Keys = [Updated, Deleted, Repatterned, Renamed];

    /// <summary>Creates the secrets and starts to write and resolve them through all replicas.</summary>
    /// <param name="replicas">The replicas.</param>
    /// <param name="history">Gets the operations.</param>
    /// <param name="ask">Resolves through a replica; null: <see cref="AskAsync"/>.</param>
    public static async Task<Load> StartAsync(Replicas replicas, HistoryRecorder history, Func<int, Task<JsonNode?>>? ask = null)
    {
        ask ??= replica => AskAsync(replicas[replica]);

        // Deletes the secrets of an earlier test: replicas and database outlive a test.
        foreach (var secret in (await replicas[0].GetAsync(Answers.Secrets)).MustBeList())
        {
            (await replicas[0].DeleteAsync(Answers.One(secret.Id()))).MustBe(200);
        }

        var updated = await replicas[0].CreateSecretAsync("updated", "before all", Tool, Updated, isDefault: true);
        await replicas[0].CreateSecretAsync("wide", Wide, "*", Repatterned, isDefault: true);
        var narrow = await replicas[0].CreateSecretAsync("narrow", "before all", "tool__*", Repatterned, isDefault: true);
        var named = await replicas[0].CreateSecretAsync("named", "before all");
        foreach (var (key, value) in ((string, string)[])[(Updated, "before all"), (Repatterned, "before all"), (Renamed, "before all")])
        {
            var now = HistoryRecorder.Now;
            history.Add(new Operation(key, OperationKind.Write, value, now, now));
        }

        // Every update sets all relevant members, so that its effect does not depend on an earlier update whose answer was lost.
        var writers = new Writers(replicas, history);
        var load = new Load();
        for (var writer = 0; writer < 2; writer++)
        {
            load.Add(writers.PatchAsync(Updated, updated, (_, value) => (new() { ["secret_value"] = value }, value)));
        }

        load.Add(writers.CreateAndDeleteAsync(Deleted));
        load.Add(writers.PatchAsync(Repatterned, narrow, (number, value) => (number % 3) switch
        {
            0 => (new() { ["tool_name"] = "tool__*", ["secret_value"] = value }, value),
            1 => (new() { ["tool_name"] = Tool, ["secret_value"] = value }, value),
            _ => (new() { ["tool_name"] = "other__*", ["secret_value"] = value }, Wide),
        }));
        load.Add(writers.PatchAsync(Renamed, named, (number, value) => number % 2 == 0
            ? (new() { ["secret_name"] = "named", ["secret_value"] = value }, value)
            : (new() { ["secret_name"] = "renamed", ["secret_value"] = value }, null)));
        for (var reader = 0; reader < Readers; reader++)
        {
            var random = new Random(reader);
            load.Add(async () =>
            {
                var replica = random.Next(Replicas.Count);
                var start = HistoryRecorder.Now;
                if (await ask(replica) is { } values)
                {
                    var end = HistoryRecorder.Now;
                    foreach (var key in Keys)
                    {
                        history.Add(new Operation(key, OperationKind.Read, values[key]?.GetValue<string>(), start, end, $"replica {replica}"));
                    }
                }
            });
        }

        return load;
    }

    /// <summary>Whether a history has enough resolves of each argument to be judged.</summary>
    public static bool AreEnough(HistoryRecorder history) => Keys.All(key =>
    {
        var values = history.Operations.Where(one => one.Kind == OperationKind.Read && one.Key == key).Select(one => one.Value).ToList();
        return values.Count > 100 && values.Distinct().Count() > 5;
    });

    /// <summary>Resolves and returns the values by argument, or null without an answer.</summary>
    public static async Task<JsonNode?> AskAsync(ApiClient replica)
    {
        var call = ToolCalls.Call(Keys, Tool, user: ApiClient.BootstrapUser, references: (Renamed, "named"));
        return (await SendAsync(replica, HttpMethod.Post, ToolCalls.Resolve, call)).Answer is { } answer
            ? new JsonObject(answer.MustBe(200).Json["values"]!.AsArray()
                .Select(row => KeyValuePair.Create(row!.Text("tool_arg")!, row!["secret_value"]?.DeepClone())))
            : null;
    }

    /// <summary>Sends a request. The answer is null if the replica is gone or responds with 503.</summary>
    private static async Task<(bool IsSent, Answer? Answer)> SendAsync(ApiClient client, HttpMethod method, string path, JsonNode? body = null)
    {
        try
        {
            var answer = await client.SendAsync(method, path, body?.ToJsonString());
            return (true, answer.Status == 503 ? null : answer);
        }
        catch (HttpRequestException exception)
        {
            // The next process needs some time to start.
            await Task.Delay(20);
            return (exception.HttpRequestError != HttpRequestError.ConnectionError, null);
        }
    }

    /// <summary>Makes writes that workers repeat through any replica.</summary>
    private sealed class Writers(Replicas replicas, HistoryRecorder history)
    {
        private int _number;

        /// <summary>Updates a secret. The callback gets a running number and a new value, and returns the body and the next answer of resolve.</summary>
        public Func<Task> PatchAsync(string key, Guid id, Func<int, string, (JsonObject Body, string? Effect)> change)
        {
            var count = 0;
            return async () =>
            {
                var (body, effect) = change(count++, NewValue());
                (await WriteAsync(key, effect, HttpMethod.Patch, Answers.One(id), body, 200))?.MustBe(200);
            };
        }

        /// <summary>Creates a secret and deletes it. After a lost answer, the next step reads the current state.</summary>
        public Func<Task> CreateAndDeleteAsync(string key) => async () =>
        {
            var value = NewValue();
            var body = new JsonObject
            {
                ["secret_name"] = key,
                ["secret_value"] = value,
                ["tool_name"] = Tool,
                ["tool_arg"] = key,
                ["is_default_for_tool"] = true,
            };
            var made = await WriteAsync(key, value, HttpMethod.Post, Answers.Secrets, body, 200, 409);
            if ((made?.Status == 200 ? made.Json.AsObject().Id() : await FindAsync(key)) is { } id)
            {
                await WriteAsync(key, null, HttpMethod.Delete, Answers.One(id), null, 200, 404);
            }
        };

        private string NewValue() => $"value number {Interlocked.Increment(ref _number)}";

        private async Task<Guid?> FindAsync(string name)
        {
            var found = await SendAsync(replicas[NextReplica()], HttpMethod.Get, $"{Answers.Secrets}?secret_name={name}");
            return found.Answer?.MustBeList().SingleOrDefault()?.Id();
        }

        private async Task<Answer?> WriteAsync(string key, string? effect, HttpMethod method, string path, JsonObject? body, params int[] statuses)
        {
            var replica = NextReplica();
            var start = HistoryRecorder.Now;
            var (isSent, answer) = await SendAsync(replicas[replica], method, path, body);
            Assert.True(answer is null || statuses.Contains(answer.Status), $"{answer}");
            if (isSent && answer is null or { Status: 200 })
            {
                history.Add(new Operation(key, OperationKind.Write, effect, start, answer is null ? null : HistoryRecorder.Now, $"replica {replica}"));
            }

            return answer;
        }

        private static int NextReplica() => Random.Shared.Next(Replicas.Count);
    }
}
