using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

public sealed class UpdatingSecrets(ApiServer server)
{
    private static readonly Binding Default = new("agno__linear__*", "api_key", true);
    private static readonly Binding Bound = Default with { IsDefault = false };
    private static readonly Binding Unbound = new(null, null, false);

    private static readonly string[] Starts = ["default", "bound", "unbound"];

    /// <summary>Every combination of omitted, null and value for the three members of the binding, for each initial binding.</summary>
    public static TheoryData<string, string> Combinations()
    {
        var data = new TheoryData<string, string>();
        foreach (var start in Starts)
        {
            foreach (var tool in (string?[])[null, """ "tool_name": null """, """ "tool_name": "new_tool" """])
            {
                foreach (var arg in (string?[])[null, """ "tool_arg": null """, """ "tool_arg": "new_arg" """])
                {
                    foreach (var flag in (string?[])
                        [null, """ "is_default_for_tool": null """, """ "is_default_for_tool": true """, """ "is_default_for_tool": false """])
                    {
                        data.Add(start, $"{{{string.Join(',', new[] { tool, arg, flag }.OfType<string>())}}}");
                    }
                }
            }
        }

        return data;
    }

    [Fact]
    public async Task An_empty_update_writes_nothing_and_takes_no_lock()
    {
        using var user = await server.NewUserAsync();
        var one = Answers.One(await user.CreateSecretAsync("n"));
        var stored = await user.GetAsync(one);
        var stamp = await StampAsync();

        await using (await server.HoldAsync("UPDATE owners SET stamp = stamp WHERE id = @id", ("id", user.UserId.ToString())))
        {
            MustBeTheSame(stored, await user.PatchAsync(one, new JsonObject()));
            (await user.SendAsync(HttpMethod.Patch, one, "{}", ("If-Match", "\"7\""))).MustBeError(412);
        }

        Assert.Equal(stamp, await StampAsync());

        Task<long> StampAsync() => server.ScalarAsync<long>("SELECT stamp FROM owners WHERE id = @id", ("id", user.UserId.ToString()));
    }

    [Theory]
    [MemberData(nameof(Combinations))]
    public async Task Every_combination_of_binding_members_follows_the_contract(string start, string patch)
    {
        using var user = await server.NewUserAsync();
        var before = start switch { "default" => Default, "bound" => Bound, _ => Unbound };
        var id = await user.CreateSecretAsync("n", toolName: before.Tool, toolArg: before.Arg, isDefault: before.IsDefault);
        var stored = await user.GetAsync(Answers.One(id));

        var answer = await user.SendAsync(HttpMethod.Patch, Answers.One(id), patch);

        var (after, moves) = Contract(before, JsonNode.Parse(patch)!.AsObject());
        if (after is null)
        {
            answer.MustBeInvalid("body.is_default_for_tool: value_error");
            Assert.Contains("tool_name and tool_arg", answer.Body, StringComparison.Ordinal);
            MustBeTheSame(stored, await user.GetAsync(Answers.One(id)));
            return;
        }

        var secret = answer.MustBeSecret();
        Assert.Equal(after, BindingOf(secret));
        Assert.Equal("n", secret.Text("secret_name"));
        Assert.Equal(moves, IsNewer(answer, stored));
        Assert.Equal(moves, !string.Equals(answer.ETag(), stored.ETag(), StringComparison.Ordinal));
        MustBeTheSame(answer, await user.GetAsync(Answers.One(id)));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("  null\n")]
    [InlineData("""{"secret_name": null, "secret_value": null, "is_default_for_tool": null}""")]
    public async Task An_empty_patch_changes_nothing(string patch)
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("n", toolName: "tool", toolArg: "arg", isDefault: true);
        var stored = await user.GetAsync(Answers.One(id));

        var answer = await user.SendAsync(HttpMethod.Patch, Answers.One(id), patch);

        MustBeTheSame(stored, answer);
        MustBeTheSame(stored, await user.GetAsync(Answers.One(id)));
    }

    [Theory]
    [InlineData("""{"unknown": "x", "Secret_Name": "x", "SecretName": "x", "secretName": "x", "TOOL_NAME": null}""")]
    [InlineData("""{"secret_id": "01890a5d-ac96-774b-bcce-b302099a8057", "user_id": "x", "display": "x", "version": 7, "created_at": 0}""")]
    public async Task A_patch_with_only_unknown_members_is_refused(string patch)
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("n", toolName: "tool", toolArg: "arg", isDefault: true);
        var stored = await user.GetAsync(Answers.One(id));

        (await user.SendAsync(HttpMethod.Patch, Answers.One(id), patch)).MustBeInvalid("body: value_error");

        MustBeTheSame(stored, await user.GetAsync(Answers.One(id)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("application/json")]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("text/plain")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("garbage")]
    public async Task A_missing_body_of_any_type_changes_nothing(string? type)
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("n", toolName: "tool", toolArg: "arg", isDefault: true);
        var stored = await user.GetAsync(Answers.One(id));
        using var empty = new ByteArrayContent([]);
        if (type is not null)
        {
            empty.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        MustBeTheSame(stored, await user.SendAsync(HttpMethod.Patch, Answers.One(id), empty));
        MustBeTheSame(stored, await user.SendAsync(HttpMethod.Patch, Answers.One(id), content: null));
        MustBeTheSame(stored, await user.GetAsync(Answers.One(id)));
    }

    [Fact]
    public async Task An_empty_chunked_body_counts_as_none()
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("n");
        var stored = await user.GetAsync(Answers.One(id));
        using var empty = new StreamContent(new MemoryStream());
        empty.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var request = new HttpRequestMessage(HttpMethod.Patch, Answers.One(id)) { Content = empty };
        request.Headers.TransferEncodingChunked = true;

        using var response = await user.Http.SendAsync(request);

        Assert.Equal(200, (int)response.StatusCode);
        MustBeTheSame(stored, await user.GetAsync(Answers.One(id)));
    }

    [Theory]
    [InlineData("""{"secret_name": "old"}""")]
    [InlineData("""{"secret_value": "old value"}""")]
    [InlineData("""{"tool_name": "tool"}""")]
    [InlineData("""{"tool_arg": "arg"}""")]
    [InlineData("""{"is_default_for_tool": true}""")]
    [InlineData("""{"secret_name": "old", "secret_value": "old value", "tool_name": "tool", "tool_arg": "arg", "is_default_for_tool": true}""")]
    public async Task An_equal_value_is_still_an_update(string patch)
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("old", "old value", "tool", "arg", isDefault: true);
        var stored = await user.GetAsync(Answers.One(id));
        var previous = stored;

        for (var i = 0; i < 3; i++)
        {
            var answer = await user.SendAsync(HttpMethod.Patch, Answers.One(id), patch);

            var secret = answer.MustBeSecret();
            Assert.True(IsNewer(answer, previous), $"{previous} {answer}");
            Assert.NotEqual(previous.ETag(), answer.ETag(), StringComparer.Ordinal);
            Assert.Equal(stored.Json.Text("created_at"), secret.Text("created_at"));
            secret["updated_at"] = stored.Json.Text("updated_at");
            Assert.True(JsonNode.DeepEquals(stored.Json, secret), $"{stored} {answer}");
            previous = answer;
        }
    }

    [Theory]
    [InlineData("""{"secret_name": "new", "secret_value": null, "is_default_for_tool": null}""", "new", "o...e", true)]
    [InlineData("""{"secret_name": null, "secret_value": "new!", "is_default_for_tool": null}""", "old", "****", true)]
    [InlineData("""{"secret_name": null, "secret_value": null, "is_default_for_tool": false}""", "old", "o...e", false)]
    public async Task Nulls_beside_a_value_are_ignored(string patch, string name, string display, bool isDefault)
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("old", "old value", "tool", "arg", isDefault: true);

        var secret = (await user.SendAsync(HttpMethod.Patch, Answers.One(id), patch)).MustBeSecret();

        Assert.Equal(name, secret.Text("secret_name"));
        Assert.Equal(display, secret.Text("display"));
        Assert.Equal(new Binding("tool", "arg", isDefault), BindingOf(secret));
    }

    [Theory]
    [InlineData("old value", "o...e")]
    [InlineData("lin_api_4f9c2f0d6b7e4a51", "lin_...4a51")]
    [InlineData("\U0001F511\U0001F511\U0001F511\U0001F511", "****")]
    public async Task The_masked_display_is_refused_as_a_new_value(string value, string display)
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("n", value);
        var stored = await user.GetAsync(Answers.One(id));
        Assert.Equal(display, stored.Json.Text("display"));

        var refused = await user.PatchAsync(Answers.One(id), new JsonObject { ["secret_name"] = "m", ["secret_value"] = display });

        refused.MustBeInvalid("body.secret_value: value_error").MustNotRepeat(display);
        MustBeTheSame(stored, await user.GetAsync(Answers.One(id)));
        (await user.SendAsync(HttpMethod.Patch, Answers.One(id), $$"""{"secret_value": "{{display}}"}""", ("If-Match", "\"9\""))).MustBeError(412);

        // Another secret may have this text as its value.
        var other = await user.CreateSecretAsync("other", "x...y and more");
        (await user.PatchAsync(Answers.One(other), new JsonObject { ["secret_value"] = display })).MustBeSecret();
        (await user.PatchAsync(Answers.One(id), new JsonObject { ["secret_value"] = value })).MustBeSecret();
    }

    [Fact]
    public async Task Omitted_keeps_null_clears_and_a_value_replaces()
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("old", "old value", "tool", "arg");

        var secret = (await user.SendAsync(HttpMethod.Patch, Answers.One(id), """{"tool_name": null, "secret_name": "new"}""")).MustBeSecret();

        Assert.Equal("new", secret.Text("secret_name"));
        Assert.Equal(new Binding(null, "arg", false), BindingOf(secret));
        Assert.Equal("o...e", secret.Text("display"));
    }

    [Fact]
    public async Task After_a_rename_the_old_name_is_free_and_the_new_one_is_taken()
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("old");

        (await user.PatchAsync(Answers.One(id), new JsonObject { ["secret_name"] = "new" })).MustBeSecret();

        (await user.PostAsync(Answers.Secrets, new JsonObject { ["secret_name"] = "new", ["secret_value"] = "some value" })).MustBeError(409);
        await user.CreateSecretAsync("old");
        Assert.Equal(id, Assert.Single((await user.GetAsync(Answers.Secrets + "?secret_name=new")).MustBeList()).Id());
    }

    [Fact]
    public async Task A_refused_update_changes_nothing()
    {
        using var user = await server.NewUserAsync();
        await user.CreateSecretAsync("taken", toolName: "tool", toolArg: "taken", isDefault: true);
        var id = await user.CreateSecretAsync("n", toolName: "tool", toolArg: "arg", isDefault: true);
        var stored = await user.GetAsync(Answers.One(id));

        foreach (var (patch, status) in ((string, int)[])
            [
                ("""{"secret_name": "taken", "secret_value": "a new value"}""", 409),
                ("""{"tool_arg": "taken", "secret_value": "a new value"}""", 409),
                ("""{"secret_name": "m", "secret_value": "abc"}""", 422),
                ("""{"secret_name": "m", "tool_name": null}""", 422),
                ("""{"secret_name": "m", "tool_name": 5}""", 422),
                ("""{"secret_name": "m", "secret_name": "o"}""", 422),
            ])
        {
            (await user.SendAsync(HttpMethod.Patch, Answers.One(id), patch)).MustBe(status);
            MustBeTheSame(stored, await user.GetAsync(Answers.One(id)));
        }
    }

    [Fact]
    public async Task Concurrent_updates_all_apply()
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("n");

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(i =>
            user.PatchAsync(Answers.One(id), new JsonObject { ["tool_arg"] = $"arg {i}" })));

        Assert.All(answers, answer => answer.MustBeSecret());
        Assert.Equal(10, answers.Select(answer => answer.ETag()).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(10, answers.Select(answer => answer.Json.Text("updated_at")).Distinct(StringComparer.Ordinal).Count());
    }

    /// <summary>
    /// The contract in code, independent of the service: null clears tool and argument, and null for the flag means unchanged. A default needs
    /// both afterwards; otherwise the result is null (422). A patch is an update if it has a value or a null that cleared a member.
    /// </summary>
    private static (Binding? After, bool Moves) Contract(Binding before, JsonObject patch)
    {
        var tool = patch.ContainsKey("tool_name") ? patch.Text("tool_name") : before.Tool;
        var arg = patch.ContainsKey("tool_arg") ? patch.Text("tool_arg") : before.Arg;
        var isDefault = patch["is_default_for_tool"]?.GetValue<bool>() ?? before.IsDefault;
        if (isDefault && (tool is null || arg is null))
        {
            return (null, false);
        }

        var after = new Binding(tool, arg, isDefault);
        return (after, patch.Any(member => member.Value is not null) || after != before);
    }

    private static Binding BindingOf(JsonObject secret) =>
        new(secret.Text("tool_name"), secret.Text("tool_arg"), secret["is_default_for_tool"]!.GetValue<bool>());

    private static bool IsNewer(Answer answer, Answer before) =>
        string.CompareOrdinal(answer.Json.Text("updated_at"), before.Json.Text("updated_at")) > 0;

    private static void MustBeTheSame(Answer expected, Answer actual)
    {
        actual.MustBeSecret();
        Assert.Equal(expected.Body, actual.Body);
        Assert.Equal(expected.ETag(), actual.ETag());
    }

    private sealed record Binding(string? Tool, string? Arg, bool IsDefault);
}
