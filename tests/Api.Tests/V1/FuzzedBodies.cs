using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>Random bodies with a fixed seed. Every answer must be a secret or name the faults.</summary>
public sealed class FuzzedBodies(ApiServer server)
{
    private const int Seed = 20_260_101;

    private static readonly int Bodies = Campaign.Size(2_000);

    private static readonly string[] Members = ["secret_name", "secret_value", "tool_name", "tool_arg", "is_default_for_tool"];

    [Fact]
    public async Task Every_body_gets_an_answer_of_the_contract()
    {
        using var user = await server.NewUserAsync();
        var one = Answers.One(await user.CreateSecretAsync("to be changed"));
        var statuses = new Dictionary<int, int>();

        for (var i = 0; i < Bodies; i++)
        {
            var body = Body(new Random(Seed + i));
            foreach (var method in (HttpMethod[])[HttpMethod.Post, HttpMethod.Patch])
            {
                var answer = await SendAsync(user, method, method == HttpMethod.Post ? Answers.Secrets : one, body);
                try
                {
                    Check(answer);
                }
                catch (Exception exception)
                {
                    throw new InvalidOperationException($"Body {i} (base64): {Convert.ToBase64String(body)}", exception);
                }

                statuses[answer.Status] = statuses.GetValueOrDefault(answer.Status) + 1;
                if (method == HttpMethod.Post && answer.Status == 200)
                {
                    (await user.DeleteAsync(Answers.One(answer.Json.AsObject().Id()))).MustBe(200);
                }
            }
        }

        // The bodies must reach different branches.
        Assert.True(statuses.GetValueOrDefault(200) > Bodies / 10 && statuses.GetValueOrDefault(422) > Bodies / 10, string.Join(", ", statuses));
    }

    private static void Check(Answer answer)
    {
        switch (answer.Status)
        {
            case 200:
                answer.MustBeSecret();
                break;
            case 422:
                answer.Violations();
                break;
            default:
                Assert.True(answer.Status is 409 or 413, $"{answer}");
                answer.MustBeError(answer.Status);
                break;
        }
    }

    private static async Task<Answer> SendAsync(ApiClient user, HttpMethod method, string path, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return await user.SendAsync(method, path, content);
    }

    private static byte[] Body(Random random) => new RandomBodies(random, Members, ValueOf).Body("secret_name", "secret_value");

    private static JsonNode ValueOf(RandomBodies bodies, string member) => member switch
    {
        "secret_value" => $"value{bodies.Text()}",
        "is_default_for_tool" => bodies.Random.Next(2) == 0,
        _ => bodies.Text(),
    };
}
