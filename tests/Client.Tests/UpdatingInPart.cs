using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Client.Tests;

/// <summary>Omitted, null and a value for each of five members: compares 243 updates of the client with raw HTTP.</summary>
public sealed class UpdatingInPart(ApiServer server)
{
    private static readonly string[] Compared = ["secret_name", "display", "tool_name", "tool_arg", "is_default_for_tool"];

    [Fact]
    public async Task Updates_of_the_client_equal_those_of_raw_JSON()
    {
        using var through = await server.NewUserAsync(Clients.Runtime);
        using var beside = await server.NewUserAsync(Clients.Runtime);
        var client = server.Client(through.Key!);
        var outcomes = new HashSet<int>();

        for (var combination = 0; combination < 243; combination++)
        {
            var states = Enumerable.Range(0, 5).Select(member => combination / (int)Math.Pow(3, member) % 3).ToArray();
            var (request, json) = Update(states);
            var isDefault = combination % 2 == 0;
            var mine = await through.CreateSecretAsync("before", "a value before", "tool_before", "arg_before", isDefault);
            var theirs = await beside.CreateSecretAsync("before", "a value before", "tool_before", "arg_before", isDefault);

            var status = 200;
            try
            {
                await client.UpdateSecretAsync(mine, request);
            }
            catch (SecretsApiException refused)
            {
                status = (int)refused.StatusCode;
            }

            var raw = await beside.PatchAsync($"/api/v1/secrets/{theirs}", json);
            Assert.True(raw.Status == status, $"{json.ToJsonString()} as HTTP: {raw}, through the client: {status}");
            outcomes.Add(status);
            Assert.Equal(await StateAsync(beside, theirs), await StateAsync(through, mine));
            (await through.DeleteAsync($"/api/v1/secrets/{mine}")).MustBe(200);
            (await beside.DeleteAsync($"/api/v1/secrets/{theirs}")).MustBe(200);
        }

        Assert.Equal([200, 422], outcomes.Order());
    }

    private static (UpdateSecretRequest Request, JsonObject Json) Update(int[] states)
    {
        var request = new UpdateSecretRequest
        {
            SecretName = State<string?>(states[0], "after"),
            SecretValue = State<SecretText?>(states[1], "another value after"),
            ToolName = State<string?>(states[2], "tool_after*"),
            ToolArg = State<string?>(states[3], "arg_after"),
            IsDefaultForTool = State<bool?>(states[4], true),
        };
        var json = new JsonObject();
        foreach (var (member, state, value) in (IEnumerable<(string, int, JsonNode)>)
        [
            ("secret_name", states[0], "after"),
            ("secret_value", states[1], "another value after"),
            ("tool_name", states[2], "tool_after*"),
            ("tool_arg", states[3], "arg_after"),
            ("is_default_for_tool", states[4], true),
        ])
        {
            if (state > 0)
            {
                json[member] = state == 1 ? null : value;
            }
        }

        return (request, json);
    }

    private static Optional<T> State<T>(int state, T value) => state switch
    {
        0 => default,
        1 => new Optional<T>(default!),
        _ => value,
    };

    /// <summary>The visible state of a secret, with its value and version.</summary>
    private static async Task<string> StateAsync(ApiClient user, Guid id)
    {
        var secret = (await user.GetAsync($"/api/v1/secrets/{id}")).MustBe(200);
        var resolved = (await user.AskAsync("/api/v1/secrets/resolve", new JsonObject
        {
            ["tool_name"] = "tool_after",
            ["tool_args"] = new JsonArray(),
            ["references"] = new JsonObject { ["x"] = secret.Json["secret_name"]!.GetValue<string>() },
        })).MustBe(200);
        var value = resolved.Json["values"]!.AsArray().Select(row => row!["secret_value"]!.GetValue<string>());
        return string.Join('|', [.. Compared.Select(member => secret.Json[member]?.ToJsonString()), secret.Headers.ETag?.Tag, .. value]);
    }
}
