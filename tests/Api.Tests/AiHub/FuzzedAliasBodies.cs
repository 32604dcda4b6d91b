using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.AiHub;

/// <summary>Random bodies with a fixed seed. Every answer must be one of the vault dialect.</summary>
public sealed class FuzzedAliasBodies(ApiServer server)
{
    private const int Seed = 20_261_121;

    private static readonly int Bodies = Campaign.Size(1_000);

    private static readonly string[] Members = ["alias", "value", "description", "allowed_workspaces_type", "allowed_workspaces"];

    [Fact]
    public async Task Every_body_gets_an_answer_of_the_dialect()
    {
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        await admin.StoreAliasAsync("changed");
        var statuses = new Dictionary<int, int>();
        for (var number = 0; number < Bodies; number++)
        {
            var body = new RandomBodies(new Random(Seed + number), Members, ValueOf).Body("alias", "value", "allowed_workspaces_type");
            foreach (var method in (HttpMethod[])[HttpMethod.Post, HttpMethod.Patch, HttpMethod.Delete])
            {
                using var content = new ByteArrayContent(body);
                content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
                var answer = await admin.SendAsync(method, Vault.Path, content);
                try
                {
                    Check(answer);
                }
                catch (Exception exception)
                {
                    throw new InvalidOperationException($"{method} of body {number} (base64): {Convert.ToBase64String(body)}", exception);
                }

                statuses[answer.Status] = statuses.GetValueOrDefault(answer.Status) + 1;
            }
        }

        // The bodies must reach different branches.
        Assert.True(
            statuses.GetValueOrDefault(200) > Bodies / 5 && statuses.GetValueOrDefault(400) > Bodies / 5 && statuses.GetValueOrDefault(404) > 0,
            string.Join(", ", statuses));
        (await admin.GetAsync(Vault.Path)).MustBeAliases();
    }

    private static void Check(Answer answer)
    {
        if (answer.Status == 200)
        {
            answer.MustBeDone();
        }
        else
        {
            Assert.True(answer.Status is 400 or 403 or 404 or 409, $"{answer}");
            answer.MustBeRefused(answer.Status);
        }
    }

    private static JsonNode? ValueOf(RandomBodies bodies, string member) => member switch
    {
        "alias" => bodies.Random.Next(6) == 0 ? bodies.Text() : $"alias-{bodies.Random.Next(20)}",
        "allowed_workspaces_type" => bodies.Random.Next(6) switch { 0 => bodies.Text(), 1 => "NONE", 2 or 3 => "SOME", _ => "ALL" },
        "allowed_workspaces" => new JsonArray([.. Enumerable.Range(0, bodies.Random.Next(4)).Select(_ => (JsonNode)bodies.Text())]),
        _ => bodies.Text(),
    };
}
