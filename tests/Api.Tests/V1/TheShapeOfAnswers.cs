using System.Text;
using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>Properties of every answer that clients of the agent-secrets API rely on.</summary>
public sealed class TheShapeOfAnswers(ApiServer server)
{
    [Fact]
    public async Task Storing_answers_200_with_all_members()
    {
        using var user = await server.NewUserAsync();

        var secret = (await user.PostAsync(Answers.Secrets, new JsonObject
        {
            ["secret_name"] = "linear",
            ["secret_value"] = "lin_api_0123456789abcdef",
            ["tool_name"] = "agno__linear__*",
            ["tool_arg"] = "api_key",
            ["is_default_for_tool"] = true,
        })).MustBeSecret();

        Assert.Equal(user.UserId, secret["user_id"]!.GetValue<Guid>());
        Assert.Equal("linear", secret.Text("secret_name"));
        Assert.Equal("lin_...cdef", secret.Text("display"));
        Assert.Equal("agno__linear__*", secret.Text("tool_name"));
        Assert.Equal("api_key", secret.Text("tool_arg"));
        Assert.True(secret["is_default_for_tool"]!.GetValue<bool>());
        Assert.Equal(secret.Text("created_at"), secret.Text("updated_at"));
    }

    [Fact]
    public async Task An_answer_has_its_length_and_a_list_is_sent_in_pieces()
    {
        using var user = await server.NewUserAsync();
        Assert.Contains("\r\nTransfer-Encoding: chunked", (await GetRawAsync(Answers.Secrets)).Head, StringComparison.Ordinal);

        var id = await user.CreateSecretAsync("ünïcode");
        var one = await GetRawAsync(Answers.One(id));
        Assert.Contains($"\r\nContent-Length: {Encoding.UTF8.GetByteCount(one.Body)}\r\n", $"{one.Head}\r\n", StringComparison.Ordinal);
        Assert.DoesNotContain("chunked", one.Head, StringComparison.Ordinal);
        Assert.Contains("ünïcode", one.Body, StringComparison.Ordinal);

        Task<RawAnswer> GetRawAsync(string path) => RawHttp.SendAsync(
            server.Address, Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nx-api-key: {user.Key}\r\nConnection: close\r\n\r\n"));
    }

    [Theory]
    [InlineData("""{"secret_name": "n", "secret_value": "some value"}""")]
    [InlineData("""{"secret_name": "n", "secret_value": "some value", "tool_name": null, "tool_arg": null, "is_default_for_tool": null, "description": null}""")]
    [InlineData("""{"secret_name": "n", "secret_value": "some value", "is_default_for_tool": false}""")]
    [InlineData("""{"secret_name": "n", "secret_value": "some value", "unknown": {"is_default_for_tool": true}, "Tool_Name": "t"}""")]
    public async Task Omitted_members_are_present_as_null_or_false(string body)
    {
        using var user = await server.NewUserAsync();

        var secret = (await user.SendAsync(HttpMethod.Post, Answers.Secrets, body)).MustBeSecret();

        Assert.Null(secret["tool_name"]);
        Assert.Null(secret["tool_arg"]);
        Assert.Equal("", secret.Text("description"));
        Assert.False(secret["is_default_for_tool"]!.GetValue<bool>());
    }

    [Theory]
    [InlineData("tool", null)]
    [InlineData(null, "arg")]
    public async Task Only_a_default_needs_a_full_binding(string? tool, string? arg)
    {
        using var user = await server.NewUserAsync();

        var id = await user.CreateSecretAsync("half", toolName: tool, toolArg: arg);

        var secret = (await user.GetAsync(Answers.One(id))).MustBeSecret();
        Assert.Equal(tool, secret.Text("tool_name"));
        Assert.Equal(arg, secret.Text("tool_arg"));
    }

    [Fact]
    public async Task The_same_secret_looks_the_same_in_every_answer()
    {
        using var user = await server.NewUserAsync();

        var made = await user.PostAsync(Answers.Secrets, new JsonObject { ["secret_name"] = "n", ["secret_value"] = "some value" });
        var one = Answers.One(made.MustBeSecret().Id());
        var got = await user.GetAsync(one);
        var patched = await user.PatchAsync(one, new JsonObject());
        var listed = (await user.GetAsync(Answers.Secrets)).MustBeList();

        Assert.Equal(made.Body, got.Body);
        Assert.Equal(made.Body, patched.Body);
        Assert.Equal(made.Body, Assert.Single(listed).ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
        Assert.Equal(made.ETag(), got.ETag());
        Assert.Equal(made.ETag(), patched.ETag());
    }

    [Fact]
    public async Task An_empty_list_has_only_the_data_member()
    {
        using var user = await server.NewUserAsync();

        var answer = (await user.GetAsync(Answers.Secrets)).MustBe(200);

        Assert.Equal("""{"data":[]}""", answer.Body);
        Assert.Null(answer.ETag());
    }

    [Fact]
    public async Task Deleting_answers_an_empty_object_and_applies_immediately()
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("n");

        var deleted = (await user.DeleteAsync(Answers.One(id))).MustBe(200);

        Assert.Equal("{}", deleted.Body);
        Assert.Equal("application/json", deleted.ContentHeaders.ContentType?.MediaType);
        (await user.GetAsync(Answers.One(id))).MustBeError(404, "Not found");
        (await user.PatchAsync(Answers.One(id), new JsonObject())).MustBeError(404, "Not found");
        (await user.DeleteAsync(Answers.One(id))).MustBeError(404, "Not found");
        Assert.Empty((await user.GetAsync(Answers.Secrets)).MustBeList());
    }

    [Fact]
    public async Task No_answer_holds_the_value()
    {
        const string Value = "VALUE-5f1d7c3a9e-0123456789";
        const string Next = "VALUE-9a3c7d1f5e-9876543210";
        using var user = await server.NewUserAsync();

        var made = (await user.PostAsync(Answers.Secrets, new JsonObject { ["secret_name"] = "n", ["secret_value"] = Value })).MustNotRepeat(Value);
        var one = Answers.One(made.MustBeSecret().Id());
        var patched = await user.PatchAsync(one, new JsonObject { ["secret_value"] = Next });
        foreach (var answer in (Answer[])[patched, await user.GetAsync(one), await user.GetAsync(Answers.Secrets), await user.DeleteAsync(one)])
        {
            answer.MustBe(200).MustNotRepeat("5f1d7c3a9e").MustNotRepeat("9a3c7d1f5e");
        }
    }

    [Theory]
    [InlineData("/health/live", 200)]
    [InlineData("/health/ready", 200)]
    [InlineData("/openapi/v1.json", 200)]
    [InlineData("/swagger/index.html", 200)]
    [InlineData("/api/v1/usage", 200)]
    [InlineData("/api/v1/nothing", 404)]
    public async Task No_answer_of_any_kind_may_be_cached(string path, int status)
    {
        using var user = await server.NewUserAsync();

        var answer = (await user.GetAsync(path)).MustBe(status);

        Assert.Equal("no-store", answer.Headers.CacheControl?.ToString());
    }

    [Theory]
    [InlineData("GET", "/api/v1/secrets")]
    [InlineData("POST", "/api/v1/secrets")]
    [InlineData("GET", "/api/v1/secrets/01890a5d-ac96-774b-bcce-b302099a8057")]
    [InlineData("PATCH", "/api/v1/secrets/01890a5d-ac96-774b-bcce-b302099a8057")]
    [InlineData("DELETE", "/api/v1/secrets/not-a-uuid")]
    [InlineData("PUT", "/api/v1/secrets")]
    [InlineData("GET", "/api/v1/nothing")]
    public async Task Without_a_credential_every_path_is_401(string method, string path)
    {
        using var nobody = server.Anonymous();

        var answer = (await nobody.SendAsync(new HttpMethod(method), path, """{"secret_name": 5, "secret_name": 6}""")).MustBeError(401);

        Assert.NotEmpty(answer.Headers.WwwAuthenticate);
    }

    [Fact]
    public async Task Without_the_scope_it_is_403()
    {
        using var reader = await server.NewUserAsync("secrets:read");
        using var writer = await server.NewKeyAsync(reader.UserId, ["secrets:write"]);
        var id = await writer.CreateSecretAsync("n");

        (await reader.GetAsync(Answers.One(id))).MustBeSecret();
        (await reader.PostAsync(Answers.Secrets, new JsonObject { ["secret_name"] = "m", ["secret_value"] = "some value" })).MustBeError(403);
        (await reader.PatchAsync(Answers.One(id), new JsonObject { ["secret_name"] = "m" })).MustBeError(403);
        (await reader.DeleteAsync(Answers.One(id))).MustBeError(403);
        (await writer.GetAsync(Answers.Secrets)).MustBeError(403);
        (await writer.GetAsync(Answers.One(id))).MustBeError(403);
    }
}
