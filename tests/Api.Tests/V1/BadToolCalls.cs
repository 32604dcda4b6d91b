using System.Text;
using System.Text.Json;
using Secrets.TestKit;
using static Secrets.Api.Tests.V1.ToolCalls;

namespace Secrets.Api.Tests.V1;

/// <summary>Invalid calls of resolve and explain. MARK stands for a text that no answer may repeat.</summary>
public sealed class BadToolCalls(ApiServer server)
{
    [Theory]
    [InlineData("", "body: missing")]
    [InlineData("null", "body: missing")]
    [InlineData("[]", "body: value_error")]
    [InlineData("\"MARK\"", "body: value_error")]
    [InlineData("{\"tool_name\": \"MARK\"", "body: json_invalid")]
    [InlineData("{}", "body.tool_name: missing")]
    [InlineData("""{"TOOL_NAME": "MARK"}""", "body.tool_name: missing, body.TOOL_NAME: extra_forbidden")]
    [InlineData("""{"tool_name": "MARK", "tool_name": "MARK"}""", "body: json_invalid")]
    [InlineData("""{"tool_name": "t", "references": {"MARK": "n", "MARK": "n"}}""", "body: json_invalid")]
    [InlineData("""{"tool_name": "t", "references": {"MARK\ud800": "n"}}""", "body: json_invalid")]
    [InlineData("""{"tool_name": "t", "references": {"\ud800": "n", "\udc00": "n"}}""", "body: json_invalid")]
    [InlineData("""{"tool_name": null}""", "body.tool_name: string_type")]
    [InlineData("""{"tool_name": 5}""", "body.tool_name: string_type")]
    [InlineData("""{"tool_name": ["MARK"]}""", "body.tool_name: string_type")]
    [InlineData("""{"tool_name": {"MARK": 1}}""", "body.tool_name: string_type")]
    [InlineData("""{"tool_name": ""}""", "body.tool_name: string_too_short")]
    [InlineData("""{"tool_name": " \t"}""", "body.tool_name: value_error")]
    [InlineData("""{"tool_name": "MARK\u0000"}""", "body.tool_name: value_error")]
    [InlineData("""{"tool_name": "MARK\ud800"}""", "body.tool_name: value_error")]
    [InlineData("""{"tool_name": "t", "tool_args": "MARK"}""", "body.tool_args: list_type")]
    [InlineData("""{"tool_name": "t", "tool_args": {"MARK": "MARK"}}""", "body.tool_args: list_type")]
    [InlineData("""{"tool_name": "t", "tool_args": false}""", "body.tool_args: list_type")]
    [InlineData("""{"tool_name": "t", "tool_args": ["a", null]}""", "body.tool_args.1: string_type")]
    [InlineData("""{"tool_name": "t", "tool_args": ["a", ["MARK"]]}""", "body.tool_args.1: string_type")]
    [InlineData("""{"tool_name": "t", "tool_args": [7, "MARK"]}""", "body.tool_args.0: string_type")]
    [InlineData("""{"tool_name": "t", "tool_args": ["a", "MARK\udc00"]}""", "body.tool_args.1: value_error")]
    [InlineData("""{"tool_name": "t", "tool_args": ["a", "MARK\u0000", "", " "]}""", "body.tool_args.1: value_error, body.tool_args.2: string_too_short, body.tool_args.3: value_error")]
    [InlineData("""{"tool_name": "t", "references": "MARK"}""", "body.references: dict_type")]
    [InlineData("""{"tool_name": "t", "references": ["MARK"]}""", "body.references: dict_type")]
    [InlineData("""{"tool_name": "t", "references": [{"MARK": "MARK"}]}""", "body.references: dict_type")]
    [InlineData("""{"tool_name": "t", "references": 1e400}""", "body.references: dict_type")]
    [InlineData("""{"tool_name": "t", "references": {"MARK": null}}""", "body.references: string_type")]
    [InlineData("""{"tool_name": "t", "references": {"MARK": 5}}""", "body.references: string_type")]
    [InlineData("""{"tool_name": "t", "references": {"MARK": {"MARK": "MARK"}}}""", "body.references: string_type")]
    [InlineData("""{"tool_name": "t", "references": {"MARK": ["MARK"]}}""", "body.references: string_type")]
    [InlineData("""{"tool_name": "t", "references": {"a": "MARK\ud83d"}}""", "body.references: value_error")]
    [InlineData("""{"tool_name": "t", "references": {"a": "MARK\u0000"}}""", "body.references: value_error")]
    [InlineData("""{"tool_name": "t", "references": {"MARK\u0000": "n"}}""", "body.references: value_error")]
    [InlineData("""{"tool_name": "t", "references": {"": "MARK"}}""", "body.references: string_too_short")]
    [InlineData("""{"tool_name": "t", "references": {"MARK": ""}}""", "body.references: string_too_short")]
    [InlineData("""{"tool_name": "t", "references": {"MARK": "  "}}""", "body.references: value_error")]
    [InlineData("""{"tool_name": "t", "user_id": "MARK"}""", "body.user_id: uuid_parsing")]
    [InlineData("""{"tool_name": "t", "user_id": ""}""", "body.user_id: uuid_parsing")]
    [InlineData("""{"tool_name": "t", "user_id": 5}""", "body.user_id: uuid_parsing")]
    [InlineData("""{"tool_name": "t", "user_id": ["MARK"]}""", "body.user_id: uuid_parsing")]
    [InlineData("""{"tool_name": "t", "organization_id": 5}""", "body.organization_id: string_type")]
    [InlineData("""{"tool_name": "t", "organization_id": ""}""", "body.organization_id: string_too_short")]
    [InlineData("""{"tool_name": "t", "organization_id": "MARK\u0000"}""", "body.organization_id: value_error")]
    [InlineData("""{"tool_name": "t", "workspace": {"MARK": 1}}""", "body.workspace: string_type")]
    [InlineData("""{"tool_name": "t", "workspace": ""}""", "body.workspace: string_too_short")]
    [InlineData("""{"tool_name": "t", "workspace": "MARK\udfff"}""", "body.workspace: value_error")]
    [InlineData("""{"tool_name": "t", "userId": "MARK", "a.b[0]": ["MARK"], "MARK": 1}""", "body.userId: extra_forbidden, body: extra_forbidden, body: extra_forbidden")]
    [InlineData("""{"tool_name": "t", "": 1}""", "body: extra_forbidden")]
    [InlineData("""{"tool_name": "t", "\ud800": 1}""", "body: json_invalid")]
    [InlineData("""{"tool_name": "t", "user_id": null}""", "body.organization_id: missing")]
    [InlineData(
        """{"tool_name": 5, "tool_args": 5, "references": 5, "user_id": 5, "organization_id": 5, "workspace": 5}""",
        "body.tool_name: string_type, body.tool_args: list_type, body.references: dict_type, body.user_id: uuid_parsing, body.organization_id: string_type, body.workspace: string_type")]
    public async Task Faults_are_named_and_values_not_repeated(string body, string expected)
    {
        using var runtime = await server.NewUserAsync("secrets:resolve");
        var mark = $"MARK-{Guid.NewGuid():N}";
        foreach (var path in (string[])[Resolve, Explain])
        {
            var answer = await runtime.SendAsync(HttpMethod.Post, path, For(runtime, body).Replace("MARK", mark, StringComparison.Ordinal));
            answer.MustBeInvalid(expected.Split(", ")).MustNotRepeat(mark);
        }
    }

    [Theory]
    [InlineData("tool_name", 1024)]
    [InlineData("tool_args", 1024)]
    [InlineData("references", 1024)]
    [InlineData("named", 1024)]
    [InlineData("organization_id", 255)]
    [InlineData("workspace", 255)]
    public async Task Lengths_count_code_points(string member, int most)
    {
        using var runtime = await server.NewUserAsync("secrets:resolve");
        foreach (var path in (string[])[Resolve, Explain])
        {
            (await runtime.SendAsync(HttpMethod.Post, path, For(runtime, Body(most)))).MustBe(200);
            var place = member switch { "tool_args" => "tool_args.0", "named" => "references", _ => member };
            (await runtime.SendAsync(HttpMethod.Post, path, For(runtime, Body(most + 1)))).MustBeInvalid($"body.{place}: string_too_long");
        }

        string Body(int length)
        {
            var text = JsonSerializer.Serialize(string.Concat(Enumerable.Repeat("🔑", length)));
            return member switch
            {
                "tool_name" => $$"""{"tool_name": {{text}}}""",
                "tool_args" => $$"""{"tool_name": "t", "tool_args": [{{text}}]}""",
                "references" => $$"""{"tool_name": "t", "references": { {{text}}: "n" } }""",
                "named" => $$"""{"tool_name": "t", "references": {"a": {{text}} } }""",
                _ => $$"""{"tool_name": "t", "{{member}}": {{text}}}""",
            };
        }
    }

    [Fact]
    public async Task More_than_a_hundred_arguments_are_too_many()
    {
        using var runtime = await server.NewUserAsync("secrets:resolve");
        string[] args = [.. Enumerable.Range(0, 101).Select(number => $"arg{number}")];
        (string, string)[] references = [.. args.Select(arg => (arg, "nobody"))];
        foreach (var path in (string[])[Resolve, Explain])
        {
            (await runtime.AskAsync(path, Call(args))).MustBeInvalid("body.tool_args: value_error");
            (await runtime.AskAsync(path, Call(references: references))).MustBeInvalid("body.references: value_error");
            (await runtime.AskAsync(path, Call(args[1..], references: references[0]))).MustBeInvalid("body.tool_args: value_error");
        }
    }

    [Theory]
    [InlineData("\"\"")]
    [InlineData("\"a\"")]
    [InlineData("\"\\u0000\"")]
    public async Task A_megabyte_of_arguments_gets_a_short_answer(string item)
    {
        using var runtime = await server.NewUserAsync("secrets:resolve");
        var items = string.Join(',', Enumerable.Repeat(item, 1_000_000 / (item.Length + 1)));

        var answer = await runtime.SendAsync(HttpMethod.Post, Resolve, For(runtime, $$"""{"tool_name": "t", "tool_args": [{{items}}]}"""));

        Assert.True(answer.Status is 200 or 422, answer.ToString());
        Assert.InRange(answer.Body.Length, 1, 500);
    }

    [Fact]
    public async Task Every_body_gets_an_answer_of_the_contract()
    {
        var bodies = Campaign.Size(1_500);
        using var runtime = await server.NewUserAsync(Runtime);
        await runtime.CreateSecretAsync("n", "some value", "*", "a", isDefault: true);
        var statuses = new Dictionary<int, int>();
        for (var number = 0; number < bodies; number++)
        {
            var random = new Random(number);
            var body = Encoding.UTF8.GetBytes(
                """{"tool_name":"t🔑","tool_args":["a","b"],"references":{"c":"n"},"user_id":null,"organization_id":"o","workspace":"w"}""").ToList();
            for (var changes = random.Next(3); changes > 0; changes--)
            {
                var at = random.Next(body.Count);
                switch (random.Next(3))
                {
                    case 0:
                        body.RemoveAt(at);
                        break;
                    case 1:
                        body[at] = (byte)random.Next(256);
                        break;
                    default:
                        body.InsertRange(at, Encoding.UTF8.GetBytes(((string[])["\\u0000", "null", "[", "{}", "\"", "\\ud800", ",", "5", "\"a\":"])[random.Next(9)]));
                        break;
                }
            }

            foreach (var path in (string[])[Resolve, Explain])
            {
                using var content = new ByteArrayContent([.. body]);
                content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
                var answer = await runtime.SendAsync(HttpMethod.Post, path, content);
                Assert.True(answer.Status is 200 or 422, $"{number}: {answer}");
                statuses[answer.Status] = statuses.GetValueOrDefault(answer.Status) + 1;
            }
        }

        Assert.All((int[])[200, 422], status => Assert.True(statuses[status] > bodies / 5, $"{status}: {statuses[status]}"));
    }

    /// <summary>Adds the runtime's own user to a call that names no user.</summary>
    private static string For(ApiClient runtime, string body) => body.StartsWith('{') && !body.Contains("user_id", StringComparison.Ordinal)
        ? $$"""{"user_id": "{{runtime.UserId}}"{{(body == "{}" ? "" : ", ")}}{{body[1..]}}"""
        : body;
}
