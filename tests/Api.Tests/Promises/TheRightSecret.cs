using System.Text.Json.Nodes;
using Secrets.Api.Tests.V1;
using Secrets.Domain.Secrets;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>Promise 2: resolve always selects the same, right secret, regardless of insert order.</summary>
public sealed class TheRightSecret(ApiServer server)
{
    private static readonly string[] Args = [.. Enumerable.Range(0, 40).Select(number => $"arg{number}"), "A", "\U0001F511", "\uFF5E"];

    [Fact]
    public async Task Arguments_are_filled_as_the_oracle_fills_them()
    {
        const int MostSecrets = 300;
        var random = new Random(20_260_102);
        var cases = new RandomSecrets(random);
        var (rounds, arguments, values) = (Campaign.Size(30), 0, 0);
        using var runtime = await server.NewUserAsync("secrets:resolve");
        for (var number = 0; number < rounds; number++)
        {
            // The value is the id in the oracle.
            OracleSecret[] secrets =
            [
                .. cases.Secrets(isOwn: true, MostSecrets, Args),
                .. cases.Secrets(isOwn: false, MostSecrets, Args),
            ];
            var owners = new[] { await StoreAsync(secrets), await StoreAsync([.. cases.Shuffled(secrets)]) };
            for (var repeated = 0; repeated < 150; repeated++)
            {
                var call = cases.Call(MostSecrets, Args, mostArgs: 90);
                var expected = ResolutionOracle.Answer(call, secrets);
                var (user, organization) = owners[repeated % owners.Length];

                var answer = await runtime.AskAsync("/api/v1/secrets/resolve", BodyOf(call, user, organization));

                // The service lists values and missing arguments separately, each in the overall order.
                Assert.Equal(expected.Where(line => line.EndsWith(')')), ValuesOf(answer));
                Assert.Equal(expected.Where(line => !line.EndsWith(')')), MissingOf(answer));
                arguments += expected.Count;
                values += expected.Count(line => line.EndsWith(')'));
            }
        }

        Assert.True(arguments > rounds * 3_333 && values > arguments / 5 && values < arguments * 4 / 5, $"{values} of {arguments}");
    }

    [Fact]
    public async Task A_default_that_alternates_between_name_and_pattern_is_always_found()
    {
        using var runtime = await server.NewUserAsync("secrets:read", "secrets:write", "secrets:resolve");
        await runtime.CreateSecretAsync("wide", "of the wide one", "*", "a", isDefault: true);
        var id = await runtime.CreateSecretAsync("narrow", "of the narrow one", "tool__get", "a", isDefault: true);
        var call = new JsonObject { ["tool_name"] = "tool__get", ["tool_args"] = new JsonArray("a") };
        using var stop = new CancellationTokenSource();

        // A name and a pattern are found by different keys. The narrow default must win at every moment.
        var changes = Task.Run(async () =>
        {
            for (var number = 0; !stop.IsCancellationRequested; number++)
            {
                (await runtime.PatchAsync(Answers.One(id), new JsonObject { ["tool_name"] = number % 2 == 0 ? "tool__*" : "tool__get" })).MustBe(200);
            }
        });
        try
        {
            await Parallel.ForAsync(0, 3_000, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (_, _) =>
                Assert.Equal(["a=of the narrow one (default)"], ValuesOf(await runtime.AskAsync("/api/v1/secrets/resolve", call))));
        }
        finally
        {
            await stop.CancelAsync();
            await changes;
        }
    }

    private async Task<(Guid User, string Organization)> StoreAsync(IReadOnlyList<OracleSecret> secrets)
    {
        var owner = (User: Guid.NewGuid(), Organization: $"org-{Guid.NewGuid():N}");
        await server.StoreAsync(SecretOwner.User(owner.User), [.. secrets.Where(secret => secret.IsOwn).Select(Stored)]);
        await server.StoreAsync(new SecretOwner(OwnerKind.Organization, owner.Organization), [.. secrets.Where(secret => !secret.IsOwn).Select(Stored)]);
        return owner;
    }

    private static NewSecret Stored(OracleSecret secret) => new(
        secret.Name,
        secret.Id,
        secret.Tool,
        secret.Arg,
        secret.IsDefault,
        WorkspaceRuleNames.Parse(secret.Rule)!.Value,
        secret.Workspaces);

    private static JsonObject BodyOf(OracleCall call, Guid user, string organization) => new()
    {
        ["user_id"] = user.ToString(),
        ["organization_id"] = organization,
        ["tool_name"] = call.Tool,
        ["tool_args"] = call.Args is null ? null : new JsonArray([.. call.Args.Select(arg => (JsonNode)arg)]),
        ["references"] = new JsonObject(call.References.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
        ["workspace"] = call.Workspace,
    };

    private static IEnumerable<string> ValuesOf(Answer answer) =>
        answer.MustBe(200).Json["values"]!.AsArray().Select(row => $"{row!["tool_arg"]}={row["secret_value"]} ({row["source"]})");

    private static IEnumerable<string> MissingOf(Answer answer) =>
        answer.Json["missing"]!.AsArray().Select(row => $"{row!["tool_arg"]}: {row["reason"]}");
}
