using System.Text.Json.Nodes;
using Secrets.TestKit;
using static Secrets.Api.Tests.V1.ToolCalls;

namespace Secrets.Api.Tests.V1;

/// <summary>An audit row names the credential and the context of the call. The answer has the request id, which finds the row.</summary>
public sealed class RecordingTheActor(ApiServer server)
{
    [Fact]
    public async Task Each_row_names_the_key()
    {
        using var user = await server.NewUserAsync("secrets:read", "secrets:write", "audit:read");
        using var runtime = await server.NewKeyAsync(user.UserId, Runtime);
        var id = await user.CreateSecretAsync("n", "some value", Tool, "a", isDefault: true);
        (await runtime.AskAsync(Resolve, Call())).MustBe(200);
        (await runtime.AskAsync(Resolve, Call())).MustBe(200);
        (await runtime.GetAsync($"{Answers.Secrets}/{Guid.NewGuid()}")).MustBe(404);
        (await user.DeleteAsync(Answers.One(id))).MustBe(200);

        var (byUser, byRuntime) = (await MeAsync(user), await MeAsync(runtime));
        Assert.Equal(
            [$"secret.delete {byUser}", $"secret.get {byRuntime}", $"secret.resolve {byRuntime}", $"secret.resolve {byRuntime}", $"secret.create {byUser}"],
            (await RowsAsync(user)).Select(row => $"{row["action"]} {row["key_id"]}"));
        Assert.All(await RowsAsync(user), row => Assert.Null(row["token"]));
        using var @operator = server.Operator();
        var operatorId = (await @operator.GetAsync("/api/v1/me")).MustBe(200).Json.Text("user_id"); // other tests make keys at the same time
        var made = (await @operator.GetAsync($"/api/v1/audit?action=key.create&actor={operatorId}&limit=1")).MustBe(200).Json["data"]![0]!;
        Assert.Equal("00000000-0000-0000-0000-000000000001", made.Text("key_id"));
    }

    [Fact]
    public async Task Each_row_names_the_token_or_key_and_token()
    {
        var subject = $"subject {Guid.NewGuid():N}";
        var token = server.Issuer.Token(Guid.NewGuid(), ("sub", subject));
        using var bearer = server.WithToken(token);
        await bearer.CreateSecretAsync("n");
        var userId = (await bearer.GetAsync("/api/v1/me")).MustBe(200).Json["user_id"]!.GetValue<Guid>();
        using var key = await server.NewKeyAsync(userId, ["secrets:read", "secrets:write", "audit:read"]);
        (await key.SendAsync(
            HttpMethod.Post, Answers.Secrets, """{"secret_name":"both","secret_value":"a value"}""", ("Authorization", $"Bearer {token}"))).MustBe(200);

        var rows = await RowsAsync(key);
        Assert.Equal([(await MeAsync(key)).ToString(), null], rows.Select(row => row.Text("key_id")));
        Assert.All(rows, row => Assert.Equal((server.Issuer.Issuer, subject), (row["token"]!.Text("issuer"), row["token"]!.Text("subject"))));
    }

    [Fact]
    public async Task The_context_of_a_call_is_in_audit_and_receipt()
    {
        using var runtime = await server.NewUserAsync([.. Runtime, "audit:read"]);
        await runtime.CreateSecretAsync("n", "some value", Tool, "a", isDefault: true);
        var call = Call();
        call["context"] = new JsonObject { ["agent_id"] = "support-bot", ["run_id"] = "Run 7/3:a.b_c", ["tool_call_id"] = null };

        var receipt = (await runtime.AskAsync(Resolve, call)).MustBe(200).Json["receipt"]!;
        var row = (await RowsAsync(runtime))[0];

        Assert.Equal("""{"agent_id":"support-bot","run_id":"Run 7/3:a.b_c","tool_call_id":null}""", row["context"]!.ToJsonString());
        Assert.Equal(row["context"]!.ToJsonString(), receipt["context"]!.ToJsonString());
        Assert.Equal(row.Text("request_id"), receipt.Text("request_id"));
        Assert.True((await server.Operator().GetAsync("/api/v1/audit/verify")).MustBe(200).Json["ok"]!.GetValue<bool>());
    }

    [Theory]
    [InlineData("\"\"")]
    [InlineData("\"a\\u0000\"")]
    [InlineData("\"caf\u00e9\"")]
    [InlineData("\"a\\n\"")]
    [InlineData("\"<script>\"")]
    [InlineData("129")]
    [InlineData("5", "string_type")]
    public async Task An_invalid_context_is_refused(string json, string type = "value_error")
    {
        using var runtime = await server.NewUserAsync(Runtime);
        json = json == "129" ? $"\"{new string('a', 129)}\"" : json;
        foreach (var member in (string[])["agent_id", "run_id", "tool_call_id"])
        {
            (await runtime.AskAsync(Resolve, $$"""{"tool_name":"t","context":{"{{member}}":{{json}} } }""")).MustBeInvalid($"body.context.{member}: {type}");
        }

        (await runtime.AskAsync(Resolve, """{"tool_name":"t","context":"x"}""")).MustBeInvalid("body.context: dict_type");
        (await runtime.AskAsync(Resolve, """{"tool_name":"t","context":null}""")).MustBe(200);
    }

    [Fact]
    public async Task Every_answer_has_the_id_of_the_request()
    {
        using var user = await server.NewUserAsync("secrets:read", "secrets:write", "audit:read");
        using var nobody = server.Anonymous();
        foreach (var answer in (Answer[])
        [
            await user.GetAsync(Answers.Secrets), await nobody.GetAsync(Answers.Secrets), await user.GetAsync("/nowhere"), await nobody.GetAsync("/health/live"),
            await nobody.GetAsync("/openapi/v1.json"), await user.PostAsync(Answers.Secrets, body: null),
        ])
        {
            Assert.NotEmpty(IdOf(answer));
        }

        var created = await user.SendAsync(HttpMethod.Post, Answers.Secrets, """{"secret_name":"n","secret_value":"a value"}""");
        var row = (await RowsAsync(user))[0];
        Assert.Equal(IdOf(created), row.Text("request_id"));
        Assert.Null(row["client_request_id"]);
    }

    [Theory]
    [InlineData("checkout-7f3a:1.2_3", true)]
    [InlineData("", false)]
    [InlineData("with blank", false)]
    [InlineData("<b>", false)]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345", false)]
    public async Task A_plain_request_id_of_the_caller_is_repeated_and_audited(string id, bool isKept)
    {
        using var user = await server.NewUserAsync("secrets:read", "secrets:write", "audit:read");

        var answer = await user.SendAsync(HttpMethod.Post, Answers.Secrets, """{"secret_name":"n","secret_value":"a value"}""", ("X-Request-Id", id));

        var row = (await RowsAsync(user))[0];
        Assert.Equal(isKept ? id : null, row.Text("client_request_id"));
        Assert.Equal(isKept ? id : row.Text("request_id"), IdOf(answer.MustBe(200)));
        Assert.NotEqual(id, row.Text("request_id"));
    }

    private static string IdOf(Answer answer) => Assert.Single(answer.Headers.GetValues("X-Request-Id"));

    private static async Task<Guid> MeAsync(ApiClient client) => (await client.GetAsync("/api/v1/me")).MustBe(200).Json["credential"]!["id"]!.GetValue<Guid>();

    private static async Task<IReadOnlyList<JsonObject>> RowsAsync(ApiClient client) =>
        [.. (await client.GetAsync("/api/v1/audit")).MustBe(200).Json["data"]!.AsArray().Select(row => row!.AsObject())
            .Where(row => row.Text("action")!.StartsWith("secret.", StringComparison.Ordinal))];
}
