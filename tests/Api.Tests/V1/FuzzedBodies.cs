using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>Random bodies, the same in every run: whatever they are, the answer is a secret or says what is wrong.</summary>
public sealed class FuzzedBodies(ApiServer server)
{
    private const int Bodies = 2000;
    private const int Seed = 20_260_101;

    private static readonly string[] Members = ["secret_name", "secret_value", "tool_name", "tool_arg", "is_default_for_tool"];

    [Fact]
    public async Task Whatever_is_sent_the_answer_is_one_of_the_contract()
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

        // Else the mutations would all be alike, and this would test one branch two thousand times.
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

    private static byte[] Body(Random random)
    {
        var json = new JsonObject { ["secret_name"] = Text(random), ["secret_value"] = $"value{Text(random)}" };
        for (var i = random.Next(4); i > 0; i--)
        {
            var member = random.Next(4) == 0 ? Text(random) : Members[random.Next(Members.Length)];
            json[member] = random.Next(3) == 0 ? Node(random, 0) : member is "is_default_for_tool" ? random.Next(2) == 0 : Text(random);
        }

        var text = json.ToJsonString(random.Next(2) == 0
            ? new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
            : null);
        if (random.Next(4) == 0)
        {
            text = MutateText(random, text);
        }

        var bytes = Encoding.UTF8.GetBytes(text).ToList();
        for (var i = random.Next(4) == 0 ? random.Next(1, 6) : 0; i > 0 && bytes.Count > 0; i--)
        {
            MutateBytes(random, bytes);
        }

        return [.. bytes];
    }

    /// <summary>Damage that is still text: escapes, huge numbers, a member twice, deep nests.</summary>
    private static string MutateText(Random random, string text) => random.Next(7) switch
    {
        0 => text.Insert(random.Next(1, text.Length), $"\\u{random.Next(0xD700, 0xE100):x4}"),
        1 => text.Insert(text.Length - 1, $",\"n\":{(random.Next(2) == 0 ? "-" : "")}{new string('9', random.Next(1, 400))}e{random.Next(-9999, 9999)}"),
        2 => text.Insert(1, $"\"{Members[random.Next(Members.Length)]}\":null,"),
        3 => text.Insert(text.Length - 1, $",\"d\":{new string('[', random.Next(1, 100))}{new string(']', random.Next(1, 100))}"),
        4 => text.Replace("secret_", $"s\\u{random.Next(0xD7F0, 0xE010):x4}cret_", StringComparison.Ordinal),
        5 => text[..random.Next(text.Length)],
        _ => text.Replace("\"", "'", StringComparison.Ordinal),
    };

    private static void MutateBytes(Random random, List<byte> bytes)
    {
        var at = random.Next(bytes.Count);
        switch (random.Next(4))
        {
            case 0:
                bytes.RemoveAt(at);
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes.Insert(at, (byte)random.Next(256));
                break;
            default:
                bytes.RemoveRange(at, random.Next(bytes.Count - at));
                break;
        }
    }

    private static JsonNode? Node(Random random, int depth) => random.Next(depth > 5 ? 5 : 7) switch
    {
        0 => null,
        1 => random.Next(2) == 0,
        2 => random.NextInt64(),
        3 => (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-300, 300)),
        4 => Text(random),
        5 => new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => Node(random, depth + 1))]),
        _ => new JsonObject(Enumerable.Range(0, random.Next(4)).Select(i => KeyValuePair.Create($"{i}{Text(random)}", Node(random, depth + 1)))),
    };

    /// <summary>Characters of every plane and kind, all of them paired; now and then too many.</summary>
    private static string Text(Random random)
    {
        var length = random.Next(40) == 0 ? random.Next(1000, 1100) : random.Next(random.Next(10) == 0 ? 0 : 1, 12);
        var text = new StringBuilder();
        for (var i = 0; i < length; i++)
        {
            var range = random.Next(5) switch
            {
                0 => (From: 0x00, To: 0x20),
                1 => (From: 0x20, To: 0x80),
                2 => (From: 0x80, To: 0xD800),
                3 => (From: 0xE000, To: 0x10000),
                _ => (From: 0x10000, To: 0x110000),
            };
            text.Append(new Rune(random.Next(8) == 0 ? random.Next(range.From, range.To) : random.Next(0x20, 0x7F)));
        }

        return text.ToString();
    }
}
