using System.Text.Json.Nodes;
using Secrets.TestKit;
using static Secrets.Api.Tests.V1.ToolCalls;

namespace Secrets.Api.Tests.V1;

/// <summary>The subject of a token may replace the id of its user in every request.</summary>
public sealed class NamingUsers(ApiServer server)
{
    private const string Keys = "/api/v1/api-keys";

    [Theory]
    [InlineData("ada@example.com")]
    [InlineData("auth0|5f7c8ec7c33c6c004bbafe82")]
    [InlineData("Ana Müller-O'Neil & Söhne + 100%/🔑")]
    [InlineData("x")]
    public async Task A_name_identifies_the_user_whose_tokens_have_it(string prefix)
    {
        var name = $"{prefix}{Guid.NewGuid():N}";
        using var bearer = server.WithToken(server.Issuer.Token(Guid.NewGuid(), ("sub", name)));
        using var backend = await server.NewUserAsync("secrets:read", "secrets:write", "users:act");
        using var runtime = await server.NewUserAsync(Runtime);
        var body = new JsonObject { ["secret_name"] = "n", ["secret_value"] = "a value", ["tool_name"] = Tool, ["tool_arg"] = "a", ["is_default_for_tool"] = true };

        var stored = (await backend.PostAsync($"{Answers.Secrets}?user={Uri.EscapeDataString(name)}", body)).MustBeSecret();

        var user = (await bearer.GetAsync("/api/v1/me")).MustBe(200).Json["user_id"]!.GetValue<Guid>();
        Assert.Equal(user, stored["user_id"]!.GetValue<Guid>());
        (await bearer.GetAsync(Answers.One(stored.Id()))).MustBe(200);
        (await backend.GetAsync($"{Answers.One(stored.Id())}?user_id={user}")).MustBe(200);
        (await backend.GetAsync($"/api/v1/usage?user={Uri.EscapeDataString(name)}")).MustBe(200);
        Assert.Equal(["a=a value"], (await runtime.PostAsync(Resolve, new JsonObject { ["tool_name"] = Tool, ["user"] = name })).Lines());
        Assert.Single((await runtime.PostAsync(Explain, new JsonObject { ["tool_name"] = Tool, ["user"] = name })).OnlyArgument()["candidates"]!.AsArray());
        using var @operator = server.Operator();
        var key = (await @operator.PostAsync(Keys, new JsonObject { ["name"] = "k", ["scopes"] = new JsonArray("secrets:read"), ["user"] = name })).MustBe(200).Json;
        Assert.Equal(user, key["user_id"]!.GetValue<Guid>());
    }

    [Fact]
    public async Task Names_are_compared_byte_by_byte()
    {
        using var backend = await server.NewUserAsync("secrets:read", "secrets:write", "users:act");
        var salt = Guid.NewGuid().ToString("N");
        string[] names = [$"Zoe{salt}", $"zoe{salt}", $"Zo\u00e9{salt}", $"Zoe\u0301{salt}", $"Zoe{salt}.", $"Zoe\u200b{salt}", $"Zoe {salt}", $"Zoe%20{salt}", $"Zoe+{salt}"];

        var users = new HashSet<string>();
        foreach (var name in names)
        {
            var asked = $"{Answers.Secrets}?user={Uri.EscapeDataString(name)}";
            users.Add((await backend.SendAsync(HttpMethod.Post, asked, """{"secret_name":"n","secret_value":"a value"}""")).MustBeSecret().Text("user_id")!);
            Assert.Single((await backend.GetAsync(asked)).MustBeList());
        }

        Assert.Equal(names.Length, users.Count);
    }

    [Theory]
    [InlineData("{0}+b", "{0}%20b")]
    [InlineData("{0}%FFb", "{0}%25FFb")]
    [InlineData("{0}%ff%C3", "{0}%25ff%25C3")]
    [InlineData("{0}%zz", "{0}%25zz")]
    public async Task In_a_query_plus_is_a_blank_and_invalid_escapes_are_kept(string written, string same)
    {
        using var backend = await server.NewUserAsync("secrets:read", "secrets:write", "users:act");
        string Asked(string name) => $"{Answers.Secrets}?user={name.Replace("{0}", $"a{backend.UserId:N}", StringComparison.Ordinal)}";

        (await backend.SendAsync(HttpMethod.Post, Asked(written), """{"secret_name":"n","secret_value":"a value"}""")).MustBeSecret();

        Assert.Single((await backend.GetAsync(Asked(same))).MustBeList());
    }

    [Theory]
    [InlineData("", "string_too_short")]
    [InlineData(" ada")]
    [InlineData("ada\t")]
    [InlineData("ada\u00a0")]
    [InlineData("ada\u2003")]
    [InlineData("a\nda")]
    [InlineData("a\u0000da")]
    [InlineData("a\u009fda")]
    [InlineData(" ")]
    [InlineData("0193e5a0-0000-7000-8000-0123456789ab")]
    [InlineData("0193E5A0-0000-7000-8000-0123456789AB")]
    [InlineData("0193e5a000007000800000123456789ab", null)]
    [InlineData("0193e5a00000700080000123456789ab")]
    [InlineData("{0193e5a0-0000-7000-8000-0123456789ab}")]
    [InlineData("(0193e5a0-0000-7000-8000-0123456789ab)")]
    [InlineData("{0x0193e5a0,0x0000,0x7000,{0x80,0x00,0x01,0x23,0x45,0x67,0x89,0xab}}")]
    [InlineData("urn:uuid:0193e5a0-0000-7000-8000-0123456789ab")]
    [InlineData("URN:UUID:0193e5a0-0000-7000-8000-0123456789ab")]
    public async Task Invalid_names_are_refused(string name, string? type = "value_error")
    {
        using var backend = await server.NewUserAsync("secrets:read", "secrets:write", "secrets:resolve", "users:act");
        using var @operator = server.Operator();
        foreach (var answer in (Answer[])
        [
            await backend.PostAsync(Resolve, new JsonObject { ["tool_name"] = "t", ["user"] = name }),
            await backend.PostAsync(Explain, new JsonObject { ["tool_name"] = "t", ["user"] = name }),
            await @operator.PostAsync(Keys, new JsonObject { ["name"] = "k", ["scopes"] = new JsonArray("secrets:read"), ["user"] = name }),
        ])
        {
            _ = type is null ? answer.MustBe(200) : answer.MustBeInvalid($"body.user: {type}");
        }

        if (name.Length > 0)
        {
            var answer = await backend.GetAsync($"{Answers.Secrets}?user={Uri.EscapeDataString(name)}");
            _ = type is null ? answer.MustBe(200) : answer.MustBeInvalid($"query.user: {type}");
        }
    }

    [Theory]
    [InlineData("a", 255, null)]
    [InlineData("🔑", 255, null)]
    [InlineData("a", 256, "string_too_long")]
    [InlineData("🔑", 256, "string_too_long")]
    public async Task A_name_has_up_to_255_code_points(string character, int count, string? type)
    {
        using var runtime = await server.NewUserAsync([.. Runtime, "users:act"]);
        var name = string.Concat(Enumerable.Repeat(character, count));

        var resolved = await runtime.PostAsync(Resolve, new JsonObject { ["tool_name"] = "t", ["user"] = name });
        var listed = await runtime.GetAsync($"{Answers.Secrets}?user={Uri.EscapeDataString(name)}");

        _ = type is null ? resolved.MustBe(200) : resolved.MustBeInvalid($"body.user: {type}");
        _ = type is null ? listed.MustBe(200) : listed.MustBeInvalid($"query.user: {type}");
    }

    [Fact]
    public async Task Exactly_one_of_name_and_id_is_required()
    {
        using var runtime = await server.NewUserAsync(Runtime);
        using var @operator = server.Operator();
        foreach (var path in (string[])[Resolve, Explain])
        {
            (await runtime.SendAsync(HttpMethod.Post, path, $$"""{"tool_name":"t","user":"ada","user_id":"{{runtime.UserId}}"}""")).MustBeInvalid("body.user: value_error");
            (await runtime.SendAsync(HttpMethod.Post, path, """{"tool_name":"t","user":"ada","user_id":null,"organization_id":"o"}""")).MustBeInvalid("body.user: value_error");
            (await runtime.SendAsync(HttpMethod.Post, path, """{"tool_name":"t"}""")).MustBeInvalid("body.user_id: missing");
            (await runtime.SendAsync(HttpMethod.Post, path, """{"tool_name":"t","user":null}""")).MustBeInvalid("body.user_id: missing");
            (await runtime.SendAsync(HttpMethod.Post, path, """{"tool_name":"t","user":5}""")).MustBeInvalid("body.user: string_type");
            (await runtime.SendAsync(HttpMethod.Post, path, """{"tool_name":"t","User":"ada"}""")).MustBeInvalid("body.User: extra_forbidden");
            (await runtime.SendAsync(HttpMethod.Post, path, """{"tool_name":"t","user":"ada","user":"eve"}""")).MustBeInvalid("body: json_invalid");
        }

        (await @operator.SendAsync(HttpMethod.Post, Keys, $$"""{"name":"k","scopes":["secrets:read"],"user":"ada","user_id":"{{runtime.UserId}}"}""")).MustBeInvalid("body.user: value_error");
    }

    [Fact]
    public async Task A_name_grants_no_more_than_an_id()
    {
        var name = $"ada {Guid.NewGuid():N}";
        using var ada = server.WithToken(server.Issuer.Token(Guid.NewGuid(), ("sub", name)));
        using var eve = await server.NewUserAsync("secrets:read", "secrets:write", "keys:manage");

        (await ada.PostAsync(Explain, new JsonObject { ["tool_name"] = "t", ["user"] = name })).MustBe(200);
        (await eve.PostAsync(Explain, new JsonObject { ["tool_name"] = "t", ["user"] = name })).MustBeError(403);
        (await eve.PostAsync(Resolve, new JsonObject { ["tool_name"] = "t", ["user"] = name })).MustBeError(403);
        (await eve.PostAsync(Keys, new JsonObject { ["name"] = "k", ["scopes"] = new JsonArray("secrets:read"), ["user"] = name })).MustBeError(403);
        (await ada.GetAsync($"{Answers.Secrets}?user={Uri.EscapeDataString(name)}")).MustBeError(403);
    }

    [Fact]
    public async Task Operators_cannot_be_named_by_name()
    {
        var name = $"root {Guid.NewGuid():N}";
        using var @operator = server.Operator();
        using var backend = await server.NewUserAsync("secrets:read", "users:act");
        (await backend.GetAsync($"{Answers.Secrets}?user={Uri.EscapeDataString(name)}")).MustBe(200);

        (await @operator.PostAsync(Keys, new JsonObject { ["name"] = "k", ["scopes"] = new JsonArray("operator"), ["user"] = name })).MustBe(200);

        (await backend.GetAsync($"{Answers.Secrets}?user={Uri.EscapeDataString(name)}")).MustBeError(404, "Not found");
    }

    [Fact]
    public async Task The_refusal_of_a_UUID_as_a_name_says_where_to_find_the_id()
    {
        using var backend = await server.NewUserAsync("secrets:read", "users:act");

        var answer = await backend.GetAsync($"{Answers.Secrets}?user={Guid.NewGuid():N}");

        answer.MustBeInvalid("query.user: value_error");
        Assert.Contains("Use user_id with the id that GET /api/v1/me returns", answer.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("00000000-0000-0000-0000-000000000000")]
    [InlineData("00000000-0000-0000-0000-000000000001")]
    public async Task The_nil_and_bootstrap_users_cannot_sign_in(string subject)
    {
        using var mallory = server.WithToken(server.Issuer.Token(Guid.NewGuid(), ("sub", subject)));
        (await mallory.GetAsync("/api/v1/me")).MustBe(401);
    }

    [Fact]
    public async Task A_subject_equal_to_a_users_id_is_refused()
    {
        using var ada = server.WithToken(server.Issuer.Token(Guid.NewGuid(), ("sub", $"ada {Guid.NewGuid():N}")));
        var id = (await ada.GetAsync("/api/v1/me")).MustBe(200).Json["user_id"]!.GetValue<Guid>();
        Assert.Equal(5, id.Version);

        foreach (var subject in (string[])[id.ToString(), id.ToString().ToUpperInvariant(), "2ed6657d-e927-568b-95e1-2665a8aea6a2"])
        {
            using var mallory = server.WithToken(server.Issuer.Token(Guid.NewGuid(), ("sub", subject)));
            (await mallory.GetAsync("/api/v1/me")).MustBe(401);
        }

        // Other forms of the id are ordinary names of other users.
        foreach (var subject in (string[])[id.ToString("N"), id.ToString("B"), $"urn:uuid:{id}"])
        {
            using var other = server.WithToken(server.Issuer.Token(Guid.NewGuid(), ("sub", subject)));
            Assert.NotEqual(id, (await other.GetAsync("/api/v1/me")).MustBe(200).Json["user_id"]!.GetValue<Guid>());
        }

        using var seven = server.WithToken(server.Issuer.Token(Guid.CreateVersion7()));
        (await seven.GetAsync("/api/v1/me")).MustBe(200);
        Assert.Contains(server.Log.Lines, line => line.Contains("version 5 uuid", StringComparison.Ordinal));
    }
}
