using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

public sealed class OverlappingDefaults(ApiServer server)
{
    private const string Path = "/api/v1/secrets";

    [Fact]
    public async Task A_new_default_reports_overlaps_in_both_directions()
    {
        using var user = await server.NewUserAsync();
        var wide = await user.CreateSecretAsync("wide", "some value", "agno__*", "api_token", isDefault: true);
        var narrow = await user.CreateSecretAsync("narrow", "some value", "agno__linear__get_issue", "api_token", isDefault: true);
        await user.CreateSecretAsync("apart", "some value", "github__*", "api_token", isDefault: true);
        await user.CreateSecretAsync("other argument", "some value", "agno__linear__*", "base_url", isDefault: true);
        await user.CreateSecretAsync("no default", "some value", "agno__linear__*", "api_token");

        var made = (await user.PostAsync(Path, Default("middle", "agno__linear__*"))).MustBe(200);

        var warnings = made.Json["warnings"]!.AsArray();
        Assert.Equal(2, warnings.Count);
        var shadowed = warnings.Single(warning => warning!["type"]!.GetValue<string>() == "shadows")!;
        Assert.Equal(wide, shadowed["secret_id"]!.GetValue<Guid>());
        Assert.Equal("wide", shadowed["secret_name"]!.GetValue<string>());
        Assert.Equal("agno__*", shadowed["tool_name"]!.GetValue<string>());
        Assert.Equal("agno__linear__", shadowed["example"]!.GetValue<string>());
        Assert.Contains("more literal characters", shadowed["msg"]!.GetValue<string>(), StringComparison.Ordinal);
        var shadowing = warnings.Single(warning => warning!["type"]!.GetValue<string>() == "shadowed_by")!;
        Assert.Equal(narrow, shadowing["secret_id"]!.GetValue<Guid>());
        Assert.Equal("agno__linear__get_issue", shadowing["example"]!.GetValue<string>());
        Assert.Contains("the name of one tool", shadowing["msg"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_update_to_a_default_reports_overlaps()
    {
        using var user = await server.NewUserAsync();
        await user.CreateSecretAsync("wide", "some value", "*", "api_token", isDefault: true);
        var id = await user.CreateSecretAsync("later", "some value", "agno__*", "api_token");

        var patched = (await user.PatchAsync($"{Path}/{id}", new JsonObject { ["is_default_for_tool"] = true })).MustBe(200);
        var untouched = (await user.PatchAsync($"{Path}/{id}", new JsonObject())).MustBe(200);

        Assert.Equal("agno__", Assert.Single(patched.Json["warnings"]!.AsArray())!["example"]!.GetValue<string>());
        Assert.Null(untouched.Json["warnings"]);
    }

    [Fact]
    public async Task Without_overlaps_the_member_is_absent()
    {
        using var user = await server.NewUserAsync();
        await user.CreateSecretAsync("one", "some value", "agno__*", "api_token", isDefault: true);
        var made = (await user.PostAsync(Path, Default("other", "github__*"))).MustBe(200);
        Assert.False(made.Json.AsObject().ContainsKey("warnings"));
        Assert.False((await user.GetAsync($"{Path}/{made.Json["secret_id"]}")).Json.AsObject().ContainsKey("warnings"));
    }

    [Fact]
    public async Task Hostile_patterns_are_compared_quickly()
    {
        using var user = await server.NewUserAsync();
        var stars = string.Concat(Enumerable.Repeat("*a", 512));
        for (var number = 0; number < 10; number++)
        {
            await user.CreateSecretAsync($"hostile {number}", "1234", stars[..(1014 + number)], "api_token", isDefault: true);
        }

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        (await user.PostAsync(Path, Default("one more", stars)).WaitAsync(limit.Token)).MustBe(200);
    }

    private static JsonObject Default(string name, string toolName) => new()
    {
        ["secret_name"] = name,
        ["secret_value"] = "some value",
        ["tool_name"] = toolName,
        ["tool_arg"] = "api_token",
        ["is_default_for_tool"] = true,
    };
}
