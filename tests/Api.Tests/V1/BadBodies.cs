using System.Text;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>
/// Invalid bodies for create and update. MARK stands for a text that no answer may repeat.
/// </summary>
public sealed class BadBodies(ApiServer server)
{
    private static readonly string[] Methods = ["POST", "PATCH"];

    private static readonly string[] Lengths = ["secret_name", "secret_value", "tool_name", "tool_arg"];

    /// <summary>Bodies that are not a JSON object, are nested too deeply or repeat a member.</summary>
    private static readonly Dictionary<string, (byte[] Body, string Expected)> Shapes = new(StringComparer.Ordinal)
    {
        ["empty object in brackets"] = Json("[]", "body: value_error"),
        ["a list of objects"] = Json("""[{"secret_name": "MARK", "secret_value": "MARK"}]""", "body: value_error"),
        ["a text"] = Json("\"MARK\"", "body: value_error"),
        ["a number"] = Json("12345", "body: value_error"),
        ["true"] = Json("true", "body: value_error"),
        ["truncated"] = Json("""{"secret_name": "MARK", "secret_value": "MARK""", "body: json_invalid"),
        ["truncated after a member"] = Json("""{"secret_name": "MARK",""", "body: json_invalid"),
        ["one brace"] = Json("{", "body: json_invalid"),
        ["blanks"] = Json("  \r\n\t ", "body: json_invalid"),
        ["words"] = Json("MARK", "body: json_invalid"),
        ["a form"] = Json("secret_name=MARK&secret_value=MARK", "body: json_invalid"),
        ["XML"] = Json("<secret_name>MARK</secret_name>", "body: json_invalid"),
        ["a comment"] = Json("""{"secret_name": "MARK", /* MARK */ "secret_value": "MARK"}""", "body: json_invalid"),
        ["a trailing comma"] = Json("""{"secret_name": "MARK", "secret_value": "MARK",}""", "body: json_invalid"),
        ["single quotes"] = Json("{'secret_name': 'MARK'}", "body: json_invalid"),
        ["two objects"] = Json("""{"secret_name": "MARK", "secret_value": "MARK"}{}""", "body: json_invalid"),
        ["something behind"] = Json("""{"secret_name": "MARK", "secret_value": "MARK"} MARK""", "body: json_invalid"),
        ["NaN"] = Json("""{"secret_name": NaN}""", "body: json_invalid"),
        ["a number with a leading zero"] = Json("""{"unknown": 01}""", "body: json_invalid"),
        ["a raw line break in a text"] = Json("{\"secret_name\": \"MARK\n\", \"secret_value\": \"MARK\"}", "body: json_invalid"),
        ["an unknown escape"] = Json("""{"secret_name": "MARK\x41", "secret_value": "MARK"}""", "body: json_invalid"),
        ["a half escape"] = Json("""{"secret_name": "MARK\u12", "secret_value": "MARK"}""", "body: json_invalid"),
        ["two byte order marks"] = Json("\uFEFF\uFEFF{\"secret_name\": \"MARK\"}", "body: json_invalid"),
        ["a byte order mark cut in two"] = ([0xEF, 0xBB], "body: json_invalid"),
        ["UTF-16"] = ([0xFF, 0xFE, .. Encoding.Unicode.GetBytes("""{"secret_name": "MARK"}""")], "body: json_invalid"),
        ["UTF-16 without a mark"] = (Encoding.Unicode.GetBytes("""{"secret_name": "MARK"}"""), "body: json_invalid"),
        ["UTF-32"] = (Encoding.UTF32.GetBytes("""{"secret_name": "MARK"}"""), "body: json_invalid"),
        ["a stray byte in the value"] = Bytes("""{"secret_name": "MARK", "secret_value": "MARK?"}""", 0xFF),
        ["a lone continuation byte"] = Bytes("""{"secret_name": "MARK?", "secret_value": "MARK"}""", 0x80),
        ["an overlong slash"] = Bytes("""{"secret_name": "MARK", "secret_value": "MARK?"}""", 0xC0, 0xAF),
        ["a surrogate in UTF-8"] = Bytes("""{"secret_name": "MARK", "secret_value": "MARK?"}""", 0xED, 0xA0, 0x80),
        ["a character beyond the last"] = Bytes("""{"secret_name": "MARK", "tool_name": "MARK?"}""", 0xF4, 0x90, 0x80, 0x80),
        ["a character cut in two"] = Bytes("""{"secret_name": "MARK", "tool_arg": "MARK?"}""", 0xF0, 0x9F),
        ["a stray byte in an unknown member"] = Bytes("""{"secret_name": "MARK", "secret_value": "MARK", "unknown": "?"}""", 0xFE),
        ["a stray byte in a member's name"] = Bytes("""{"secret_name": "MARK", "secret_value": "MARK", "?": 1}""", 0xFE),
        ["a stray byte outside all texts"] = Bytes("""{"secret_name": "MARK"?}""", 0xA0),
        ["NUL outside all texts"] = Bytes("""{"secret_name": "MARK"}?""", 0x00),
        ["10,000 lists"] = Json(Nested("[", "]", 10_000), "body: json_invalid"),
        ["10,000 lists, not closed"] = Json(new string('[', 10_000), "body: json_invalid"),
        ["10,000 objects"] = Json(Nested("""{"a":""", "}", 10_000, "1"), "body: json_invalid"),
        ["10,000 lists in an unknown member"] = Json(
            $$"""{"secret_name": "MARK", "secret_value": "MARK", "unknown": {{Nested("[", "]", 10_000)}}}""", "body: json_invalid"),
        ["a member twice"] = Json("""{"secret_name": "MARK", "secret_value": "MARK", "secret_name": "MARK"}""", "body: json_invalid"),
        ["a member twice, once escaped"] = Json(
            """{"secret_name": "MARK", "secret_value": "MARK", "secret\u005fname": "other"}""", "body: json_invalid"),
        ["a member twice, once null"] = Json("""{"secret_name": "MARK", "secret_value": "MARK", "tool_name": null, "tool_name": "MARK"}""", "body: json_invalid"),
        ["an unknown member twice"] = Json("""{"secret_name": "MARK", "secret_value": "MARK", "MARK": 1, "MARK": 2}""", "body: json_invalid"),
        ["a nested member twice"] = Json(
            """{"secret_name": "MARK", "secret_value": "MARK", "unknown": [{"deep": {"MARK": 1, "MARK": 2}}]}""", "body: json_invalid"),
        ["the empty member twice"] = Json("""{"secret_name": "MARK", "secret_value": "MARK", "": 1, "": 2}""", "body: json_invalid"),
    };

    public static TheoryData<string, string> ShapeCases() => [.. Methods.SelectMany(method => Shapes.Keys.Select(name => (method, name)))];

    [Theory]
    [MemberData(nameof(ShapeCases))]
    public async Task A_body_that_is_not_a_JSON_object_is_refused(string method, string body)
    {
        using var user = await server.NewUserAsync();
        var mark = Mark();
        var (bytes, expected) = Shapes[body];

        var answer = await SendAsync(user, method, Encoding.Latin1.GetBytes(
            Encoding.Latin1.GetString(bytes).Replace("MARK", mark, StringComparison.Ordinal)));

        answer.MustBeInvalid(expected).MustNotRepeat(mark);
        Assert.DoesNotContain("LineNumber", answer.Body, StringComparison.Ordinal);
    }

    /// <summary>Comparing such a name with known names throws, and must not become a 500.</summary>
    [Theory]
    [InlineData("""{"\ud800": 1, "secret_name": "n", "secret_value": "some value"}""")]
    [InlineData("""{"\ud800": 1, "\ud800": 2, "secret_name": "n", "secret_value": "some value"}""")]
    [InlineData("""{"\udc00": 1, "\ud800": 2, "secret_name": "n", "secret_value": "some value"}""")]
    [InlineData("""{"secret_\ud800name": "MARK", "secret_name": "n", "secret_value": "some value"}""")]
    [InlineData("""{"secret_name\ud800": "MARK", "secret_name": "n", "secret_value": "some value"}""")]
    [InlineData("""{"secret_name": "n", "secret_value": "some value", "secret_\ud800name": "MARK"}""")]
    [InlineData("""{"secret_name": "n", "secret_value": "some value", "unknown": [{"\udc00MARK": 1, "\udc00": {"\ud800": 1}}]}""")]
    [InlineData("""{"secret_name": "n", "secret_value": "some value", "unknown": {"MARK\ud800": 1}}""")]
    [InlineData("""{"\ud800MARK": "secret_name"}""")]
    [InlineData("""{"secret_name": "n", "secret_value": "some value", "is_default_\udbffffor_tool": 1, "t\udfffool_name": null}""")]
    public async Task A_lone_surrogate_in_a_member_name_is_invalid_JSON(string body)
    {
        foreach (var method in Methods)
        {
            using var user = await server.NewUserAsync();
            var mark = Mark();

            var answer = await SendAsync(user, method, Utf8(body, mark));

            answer.MustBeInvalid("body: json_invalid").MustNotRepeat(mark);
        }
    }

    /// <summary>Unknown members are ignored if the body is valid JSON.</summary>
    [Theory]
    [InlineData("\"\\ud800\"")]
    [InlineData("\"\\udc00 \\u0000\"")]
    [InlineData("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1e999]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]")]
    [InlineData("123456789012345678901234567890123456789012345678901234567890.5e-999999")]
    [InlineData("""{"secret_name": 5, "a": {"secret_name": null}, "\u0000": 1, "": 2}""")]
    public async Task Unknown_members_may_hold_anything(string json)
    {
        foreach (var method in Methods)
        {
            using var user = await server.NewUserAsync();
            var answer = await SendAsync(user, method, Utf8($$"""{"secret_name": "n", "secret_value": "some value", "unknown": {{json}}}"""));
            Assert.Equal("n", answer.MustBeSecret().Text("secret_name"));
        }
    }

    [Fact]
    public async Task A_byte_order_mark_is_skipped()
    {
        using var user = await server.NewUserAsync();

        foreach (var method in Methods)
        {
            var answer = await SendAsync(user, method, Utf8($"\uFEFF{{\"secret_name\": \"{method}\", \"secret_value\": \"some value\"}}"));
            Assert.Equal(method, answer.MustBeSecret().Text("secret_name"));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("\uFEFF")]
    public async Task Storing_needs_a_body(string body)
    {
        using var user = await server.NewUserAsync();

        (await SendAsync(user, "POST", Utf8(body))).MustBeInvalid("body: missing");
        (await user.SendAsync(HttpMethod.Post, Answers.Secrets, content: null)).MustBeInvalid("body: missing");
    }

    [Theory]
    [InlineData("{}", "secret_name: missing, secret_value: missing")]
    [InlineData("""{"secret_name": "n"}""", "secret_value: missing")]
    [InlineData("""{"secret_value": "some value"}""", "secret_name: missing")]
    [InlineData("""{"Secret_Name": "MARK", "SECRET_VALUE": "MARK", "secretName": "MARK"}""", "secret_name: missing, secret_value: missing")]
    [InlineData("""{"secret_name": null, "secret_value": null}""", "secret_name: string_type, secret_value: string_type")]
    [InlineData("""{"secret_name": "", "secret_value": ""}""", "secret_name: string_too_short, secret_value: string_too_short")]
    [InlineData("""{"secret_name": "n", "secret_value": "abc", "is_default_for_tool": true}""", "secret_value: string_too_short, is_default_for_tool: value_error")]
    public async Task Storing_names_all_missing_members(string body, string expected)
    {
        using var user = await server.NewUserAsync();
        var mark = Mark();

        (await SendAsync(user, "POST", Utf8(body, mark))).MustBeInvalid(Places(expected)).MustNotRepeat(mark);
    }

    /// <summary>Every member with every wrong JSON type.</summary>
    public static TheoryData<string, string, string> WrongTypes()
    {
        var data = new TheoryData<string, string, string>();
        foreach (var method in Methods)
        {
            foreach (var json in (string[])["5", "1.5e300", "-0", "true", "false", "[]", "[\"MARK\"]", "[null]", "{}", "{\"MARK\": \"MARK\"}"])
            {
                foreach (var member in Lengths)
                {
                    data.Add(method, member, json);
                }
            }

            foreach (var json in (string[])["0", "1", "1e400", "\"true\"", "\"MARK\"", "\"\"", "[]", "[true]", "{}", "{\"MARK\": true}"])
            {
                data.Add(method, "is_default_for_tool", json);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(WrongTypes))]
    public async Task A_member_of_the_wrong_type_is_named(string method, string member, string json)
    {
        using var user = await server.NewUserAsync();
        var mark = Mark();
        var others = string.Concat(new[] { "secret_name", "secret_value" }
            .Where(other => !string.Equals(other, member, StringComparison.Ordinal)).Select(other => $"\"{other}\": \"{mark}\", "));

        var answer = await SendAsync(user, method, Utf8($"{{{others}\"{member}\": {json}}}", mark));

        answer.MustBeInvalid($"body.{member}: {(member is "is_default_for_tool" ? "bool_type" : "string_type")}").MustNotRepeat(mark);
    }

    [Fact]
    public async Task All_wrong_types_are_named_in_one_answer()
    {
        foreach (var method in Methods)
        {
            using var user = await server.NewUserAsync();
            var mark = Mark();

            var answer = await SendAsync(user, method, Utf8(
                """{"secret_name": 5, "secret_value": ["MARK"], "tool_name": {"MARK": 1}, "tool_arg": true, "is_default_for_tool": "MARK"}""", mark));

            answer.MustBeInvalid(Places(
                "secret_name: string_type, secret_value: string_type, tool_name: string_type, tool_arg: string_type, is_default_for_tool: bool_type"))
                .MustNotRepeat(mark);
        }
    }

    [Fact]
    public async Task All_wrong_lengths_are_named_in_one_answer()
    {
        foreach (var method in Methods)
        {
            using var user = await server.NewUserAsync();
            var mark = Mark();
            var body = "{" + string.Join(',', Lengths.Select(member => $"\"{member}\": \"{mark}{new string('x', 1024)}\"")) + "}";

            var answer = await SendAsync(user, method, Utf8(body));

            answer.MustBeInvalid([.. Lengths.Select(member => $"body.{member}: string_too_long")]).MustNotRepeat(mark);
        }
    }

    /// <summary>Texts that cannot be stored, and blank texts.</summary>
    public static TheoryData<string, string, string, string> BadTexts()
    {
        var data = new TheoryData<string, string, string, string>();
        foreach (var method in Methods)
        {
            foreach (var member in Lengths)
            {
                foreach (var text in (string[])
                    [
                        "MARK\\u0000", "\\u0000MARK", "\\u0000", "MARK\\ud800", "\\udfffMARK", "MARK\\ud800x\\udc00", "MARK\\udc00\\ud800", "MARK\\ud83d\\ud83d\\udd11",
                    ])
                {
                    data.Add(method, member, text, "value_error");
                }

                data.Add(method, member, "", "string_too_short");
            }

            foreach (var member in (string[])["secret_name", "tool_name", "tool_arg"])
            {
                foreach (var text in (string[])[" ", "\\t", " \\r\\n ", "\\u00a0", "\\u3000\\u2003"])
                {
                    data.Add(method, member, text, "value_error");
                }
            }

            foreach (var member in (string[])["tool_name", "tool_arg"])
            {
                foreach (var text in (string[])["MARK__* ", " MARK", "MARK\\n", "\\u00a0MARK", "MARK\\u2028", "MARK\\tMARK", "MARK\\u007f", "MARK\\u0085MARK"])
                {
                    data.Add(method, member, text, "value_error");
                }
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(BadTexts))]
    public async Task Text_that_cannot_be_stored_is_refused(string method, string member, string text, string error)
    {
        using var user = await server.NewUserAsync();
        var mark = Mark();
        var others = string.Concat(new[] { "secret_name", "secret_value" }
            .Where(other => !string.Equals(other, member, StringComparison.Ordinal)).Select(other => $"\"{other}\": \"{mark}\", "));

        var answer = await SendAsync(user, method, Utf8($"{{{others}\"{member}\": \"{text}\"}}", mark));

        answer.MustBeInvalid($"body.{member}: {error}").MustNotRepeat(mark);
    }

    [Fact]
    public async Task A_blank_value_is_accepted()
    {
        using var user = await server.NewUserAsync();

        Assert.Equal("****", (await SendAsync(user, "POST", Utf8("""{"secret_name": "n", "secret_value": "    "}"""))).MustBeSecret().Text("display"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("MARK")]
    [InlineData("text/plain")]
    [InlineData("text/json")]
    [InlineData("application/xml")]
    [InlineData("application/octet-stream")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=MARK")]
    [InlineData("multipart/form-data")]
    [InlineData("application/x-www-form-urlencoded; charset=utf-7")]
    [InlineData("application/jsonp")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("application/json; charset=iso-8859-1")]
    [InlineData("application/json; charset=MARK")]
    [InlineData("application/json; charset=utf_8")]
    [InlineData("application/json; charset=utf-8x")]
    [InlineData("application/json; charset=\"utf8 \"")]
    [InlineData("application/json, text/plain")]
    public async Task A_body_of_another_type_is_415(string? type)
    {
        foreach (var method in Methods)
        {
            using var user = await server.NewUserAsync();
            var mark = Mark();

            var answer = await SendAsync(
                user, method, Utf8("""{"secret_name": "MARK", "secret_value": "MARK"}""", mark), type?.Replace("MARK", mark, StringComparison.Ordinal));

            answer.MustBeError(415).MustNotRepeat(mark);
        }
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("application/json;charset=UTF-8")]
    [InlineData("application/json; charset=\"utf-8\"")]
    [InlineData("application/json; charset=UTF8")]
    [InlineData("application/json; charset=utf8")]
    [InlineData("application/json; charset=\"Utf8\"")]
    [InlineData("application/merge-patch+json;CHARSET=uTF8")]
    [InlineData("APPLICATION/JSON")]
    [InlineData("application/json; odata.metadata=none; q=0.1")]
    [InlineData("application/merge-patch+json")]
    [InlineData("application/vnd.anything+json; charset=utf-8")]
    public async Task Every_name_of_the_JSON_media_type_is_accepted(string type)
    {
        foreach (var method in Methods)
        {
            using var user = await server.NewUserAsync();
            (await SendAsync(user, method, Utf8("""{"secret_name": "n", "secret_value": "some value"}"""), type)).MustBeSecret();
        }
    }

    [Theory]
    [InlineData("gzip", 415)]
    [InlineData("br, identity", 415)]
    [InlineData("MARK", 415)]
    [InlineData("identity", 200)]
    public async Task A_compressed_body_is_415(string encoding, int status)
    {
        foreach (var method in Methods)
        {
            using var user = await server.NewUserAsync();
            var mark = Mark();
            var body = Utf8("""{"secret_name": "n", "secret_value": "MARK"}""", mark);

            var answer = await SendAsync(user, method, body, encoding: encoding.Replace("MARK", mark, StringComparison.Ordinal));

            answer.MustBe(status).MustNotRepeat(mark);
        }
    }

    private static string[] Places(string expected) => [.. expected.Split(", ").Select(place => $"body.{place}")];

    private static string Mark() => $"MARK-{Guid.NewGuid():N}";

    private static byte[] Utf8(string text, string mark = "MARK") => Encoding.UTF8.GetBytes(text.Replace("MARK", mark, StringComparison.Ordinal));

    private static string Nested(string open, string close, int depth, string core = "") =>
        string.Concat([.. Enumerable.Repeat(open, depth), core, .. Enumerable.Repeat(close, depth)]);

    private static (byte[] Body, string Expected) Json(string text, string expected) => (Encoding.UTF8.GetBytes(text), expected);

    /// <summary>The text with its question mark replaced by the bytes.</summary>
    private static (byte[] Body, string Expected) Bytes(string text, params byte[] bytes)
    {
        var parts = text.Split('?');
        return ([.. Encoding.UTF8.GetBytes(parts[0]), .. bytes, .. Encoding.UTF8.GetBytes(parts[1])], "body: json_invalid");
    }

    /// <summary>Sends a create, or an update of an existing secret. A refused update must not change the secret.</summary>
    private static async Task<Answer> SendAsync(ApiClient user, string method, byte[] body, string? type = "application/json", string? encoding = null)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.Remove("Content-Type");
        if (type is not null)
        {
            content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        if (encoding is not null)
        {
            content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        }

        if (method is "POST")
        {
            var before = (await user.GetAsync(Answers.Secrets)).MustBeList().Count;
            var stored = await user.SendAsync(HttpMethod.Post, Answers.Secrets, content);
            Assert.Equal(before + (stored.Status == 200 ? 1 : 0), (await user.GetAsync(Answers.Secrets)).MustBeList().Count);
            return stored;
        }

        var one = Answers.One(await user.CreateSecretAsync("to be changed"));
        var unchanged = await user.GetAsync(one);
        var changed = await user.SendAsync(HttpMethod.Patch, one, content);
        if (changed.Status != 200)
        {
            Assert.Equal(unchanged.Body, (await user.GetAsync(one)).Body);
        }

        return changed;
    }
}
