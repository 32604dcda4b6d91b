using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

public sealed class UniqueNamesAndDefaults(ApiServer server)
{
    [Fact]
    public async Task A_name_is_taken_until_its_secret_is_deleted()
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("n");
        var other = await user.CreateSecretAsync("other");

        (await StoreAsync(user, "n")).MustBeError(409);
        (await user.PatchAsync(Answers.One(other), new JsonObject { ["secret_name"] = "n" })).MustBeError(409);
        (await user.DeleteAsync(Answers.One(id))).MustBe(200);

        (await user.PatchAsync(Answers.One(other), new JsonObject { ["secret_name"] = "n" })).MustBeSecret();
        (await StoreAsync(user, "n")).MustBeError(409);
    }

    [Fact]
    public async Task The_longest_names_may_differ_in_the_last_character_only()
    {
        using var user = await server.NewUserAsync();
        var start = string.Concat(Enumerable.Repeat("🔑", 1023));

        (await StoreAsync(user, start + "a")).MustBeSecret();
        (await StoreAsync(user, start + "b")).MustBeSecret();
        (await StoreAsync(user, start + "a")).MustBeError(409);
    }

    [Theory]
    [InlineData("name", "Name")]
    [InlineData("name", "name ")]
    [InlineData("name", " name")]
    [InlineData("caf\u00E9", "cafe\u0301")]
    [InlineData("\u212A", "K")]
    [InlineData("i", "\u0131")]
    [InlineData("ß", "ss")]
    [InlineData("a\u200Bb", "ab")]
    public async Task Names_that_look_alike_are_different(string one, string other)
    {
        using var user = await server.NewUserAsync();

        // Letters on both sides, because a tool name has no white space at its ends.
        await user.CreateSecretAsync(one, toolName: $"a{one}z", toolArg: "arg", isDefault: true);
        await user.CreateSecretAsync(other, toolName: $"a{other}z", toolArg: "arg", isDefault: true);

        Assert.Equal(one, Assert.Single((await user.GetAsync($"{Answers.Secrets}?secret_name={Uri.EscapeDataString(one)}")).MustBeList()).Text("secret_name"));
    }

    [Fact]
    public async Task Each_owner_has_its_own_names_and_defaults()
    {
        using var user = await server.NewUserAsync();
        using var other = await server.NewUserAsync();

        await user.CreateSecretAsync("n", toolName: "tool", toolArg: "arg", isDefault: true);
        await other.CreateSecretAsync("n", toolName: "tool", toolArg: "arg", isDefault: true);

        Assert.Single((await user.GetAsync(Answers.Secrets)).MustBeList());
    }

    [Fact]
    public async Task One_of_many_concurrent_creates_of_a_name_succeeds()
    {
        using var user = await server.NewUserAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => StoreAsync(user, "n")));

        var stored = Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer != stored), answer => answer.MustBeError(409));
        Assert.Single((await user.GetAsync(Answers.Secrets)).MustBeList());
    }

    [Fact]
    public async Task One_of_many_concurrent_updates_to_a_default_succeeds_and_is_named()
    {
        using var user = await server.NewUserAsync();
        var ids = new List<Guid>();
        for (var i = 0; i < 8; i++)
        {
            ids.Add(await user.CreateSecretAsync($"{i}", toolName: "tool", toolArg: "arg"));
        }

        var answers = await Task.WhenAll(ids.Select(id => user.PatchAsync(Answers.One(id), new JsonObject { ["is_default_for_tool"] = true })));

        var holder = Assert.Single(answers, answer => answer.Status == 200).MustBeSecret().Id();
        Assert.All(answers.Where(answer => answer.Status != 200), answer => MustName(answer, holder));
    }

    [Fact]
    public async Task A_conflict_names_the_existing_default_for_creates_and_updates()
    {
        using var user = await server.NewUserAsync();
        var holder = await user.CreateSecretAsync("holder", toolName: "tool*", toolArg: "arg", isDefault: true);
        var bound = await user.CreateSecretAsync("bound", toolName: "tool*", toolArg: "arg");
        var elsewhere = await user.CreateSecretAsync("elsewhere", toolName: "tool*", toolArg: "other", isDefault: true);
        var unbound = await user.CreateSecretAsync("unbound");

        MustName(await StoreAsync(user, "new", "tool*", "arg", isDefault: true), holder);
        MustName(await user.SendAsync(HttpMethod.Patch, Answers.One(bound), """{"is_default_for_tool": true}"""), holder);
        MustName(await user.SendAsync(HttpMethod.Patch, Answers.One(elsewhere), """{"tool_arg": "arg"}"""), holder);
        MustName(
            await user.SendAsync(
                HttpMethod.Patch, Answers.One(unbound), """{"tool_name": "tool*", "tool_arg": "arg", "is_default_for_tool": true}"""),
            holder);
        Assert.Equal(4, (await user.GetAsync(Answers.Secrets)).MustBeList().Count);
    }

    [Theory]
    [InlineData("DELETE", null)]
    [InlineData("PATCH", """{"is_default_for_tool": false}""")]
    [InlineData("PATCH", """{"tool_name": null, "is_default_for_tool": false}""")]
    [InlineData("PATCH", """{"tool_name": "another"}""")]
    [InlineData("PATCH", """{"tool_arg": "another"}""")]
    public async Task A_released_default_can_be_taken(string method, string? body)
    {
        using var user = await server.NewUserAsync();
        var holder = await user.CreateSecretAsync("holder", toolName: "tool", toolArg: "arg", isDefault: true);
        MustName(await StoreAsync(user, "next", "tool", "arg", isDefault: true), holder);

        (await user.SendAsync(new HttpMethod(method), Answers.One(holder), body)).MustBe(200);

        var next = (await StoreAsync(user, "next", "tool", "arg", isDefault: true)).MustBeSecret().Id();
        MustName(await StoreAsync(user, "third", "tool", "arg", isDefault: true), next);
    }

    [Fact]
    public async Task An_unchanged_default_does_not_conflict_with_itself()
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("n", toolName: "tool", toolArg: "arg", isDefault: true);

        (await user.SendAsync(
            HttpMethod.Patch, Answers.One(id), """{"tool_name": "tool", "tool_arg": "arg", "is_default_for_tool": true}""")).MustBeSecret();
    }

    [Theory]
    [InlineData("tool", "arg", "tool", "other")]
    [InlineData("tool", "arg", "tool*", "arg")]
    [InlineData("tool", "arg", "Tool", "arg")]
    [InlineData("tool", "arg", "tool", "Arg")]
    [InlineData("ab", "c", "a", "bc")]
    [InlineData("a", "b", "b", "a")]
    [InlineData("tool*", "arg", "tool**", "arg")]
    public async Task Defaults_of_other_patterns_or_arguments_do_not_conflict(string tool, string arg, string otherTool, string otherArg)
    {
        using var user = await server.NewUserAsync();

        (await StoreAsync(user, "one", tool, arg, isDefault: true)).MustBeSecret();
        (await StoreAsync(user, "two", otherTool, otherArg, isDefault: true)).MustBeSecret();
        (await StoreAsync(user, "three", tool, arg)).MustBeSecret();
    }

    [Theory]
    [InlineData("""{"secret_name": "n", "secret_value": "some value", "is_default_for_tool": true}""")]
    [InlineData("""{"secret_name": "n", "secret_value": "some value", "tool_name": "t", "is_default_for_tool": true}""")]
    [InlineData("""{"secret_name": "n", "secret_value": "some value", "tool_arg": "a", "is_default_for_tool": true}""")]
    [InlineData("""{"secret_name": "n", "secret_value": "some value", "tool_name": null, "tool_arg": "a", "is_default_for_tool": true}""")]
    public async Task A_default_needs_tool_and_argument(string body)
    {
        using var user = await server.NewUserAsync();

        var answer = (await user.SendAsync(HttpMethod.Post, Answers.Secrets, body)).MustBeInvalid("body.is_default_for_tool: value_error");

        Assert.Contains("needs tool_name and tool_arg", answer.Body, StringComparison.Ordinal);
        Assert.Empty((await user.GetAsync(Answers.Secrets)).MustBeList());
    }

    private static Task<Answer> StoreAsync(ApiClient user, string name, string? tool = null, string? arg = null, bool isDefault = false) =>
        user.PostAsync(Answers.Secrets, new JsonObject
        {
            ["secret_name"] = name,
            ["secret_value"] = "some value",
            ["tool_name"] = tool,
            ["tool_arg"] = arg,
            ["is_default_for_tool"] = isDefault,
        });

    private static void MustName(Answer answer, Guid holder) =>
        Assert.Contains(holder.ToString(), answer.MustBeError(409).Json.Text("detail"), StringComparison.Ordinal);
}
