using System.Text.Json.Nodes;
using Secrets.Api.Tests.AiHub;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

public sealed class DescribingSecrets(ApiServer server)
{
    [Fact]
    public async Task A_description_is_stored_shown_and_changed()
    {
        using var user = await server.NewUserAsync();
        var made = (await user.PostAsync(Answers.Secrets, Body("first"))).MustBeSecret();
        var one = Answers.One(made.Id());

        Assert.Equal("first", made.Text("description"));
        Assert.Equal("first", (await user.GetAsync(one)).MustBeSecret().Text("description"));
        Assert.Equal("first", Assert.Single((await user.GetAsync(Answers.Secrets)).MustBeList()).Text("description"));
        Assert.Equal("second", (await user.PatchAsync(one, new JsonObject { ["description"] = "second" })).MustBeSecret().Text("description"));
        Assert.Equal("second", (await user.PatchAsync(one, new JsonObject { ["secret_name"] = "renamed" })).MustBeSecret().Text("description"));
    }

    [Fact]
    public async Task Null_and_empty_text_clear_the_description()
    {
        using var user = await server.NewUserAsync();
        foreach (var clear in (string?[])[null, ""])
        {
            var one = Answers.One((await user.PostAsync(Answers.Secrets, Body("to be cleared", clear is null ? "null" : "empty"))).MustBeSecret().Id());

            var cleared = await user.PatchAsync(one, new JsonObject { ["description"] = clear });
            Assert.Equal("", cleared.MustBeSecret().Text("description"));
            Assert.Equal("\"2\"", cleared.ETag());
            Assert.Equal("\"2\"", (await user.PatchAsync(one, new JsonObject { ["description"] = null })).ETag());
        }
    }

    [Theory]
    [InlineData("x")]
    [InlineData("鍵")]
    [InlineData("🔑")]
    public async Task A_description_has_at_most_1024_characters(string character)
    {
        using var user = await server.NewUserAsync();
        var longest = string.Concat(Enumerable.Repeat(character, 1024));
        var secret = (await user.PostAsync(Answers.Secrets, Body(longest))).MustBeSecret();

        Assert.Equal(longest, secret.Text("description"));
        (await user.PostAsync(Answers.Secrets, Body(longest + character, "other"))).MustBeInvalid("body.description: string_too_long");
        (await user.PatchAsync(Answers.One(secret.Id()), new JsonObject { ["description"] = longest + character })).MustBeInvalid("body.description: string_too_long");
    }

    [Fact]
    public async Task A_description_must_be_storable_text()
    {
        using var user = await server.NewUserAsync();
        var one = Answers.One(await user.CreateSecretAsync("n"));
        foreach (var (description, error) in (((JsonNode? Description, string Error)[])[(5, "string_type"), (true, "string_type"), (new JsonArray("a"), "string_type"), ("a\0b", "value_error")]))
        {
            (await user.PatchAsync(one, new JsonObject { ["description"] = description?.DeepClone() })).MustBeInvalid($"body.description: {error}");
            var body = Body("", "other");
            body["description"] = description;
            (await user.PostAsync(Answers.Secrets, body)).MustBeInvalid($"body.description: {error}");
        }
    }

    [Fact]
    public async Task Both_dialects_show_the_description_and_null_keeps_it_in_the_vault()
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        (await admin.PostAsync($"{Answers.Secrets}?organization_id={organization}", Body("of the organisation", "key"))).MustBe(200);
        Assert.Equal("of the organisation", (await admin.AliasAsync("key")).Text("description"));

        (await admin.PatchAsync(Vault.Path, new JsonObject { ["alias"] = "key", ["description"] = null })).MustBe(200);
        Assert.Equal("of the organisation", (await admin.AliasAsync("key")).Text("description"));
        (await admin.PatchAsync(Vault.Path, new JsonObject { ["alias"] = "key", ["description"] = "" })).MustBe(200);
        Assert.Equal("", (await admin.AliasAsync("key")).Text("description"));
    }

    private static JsonObject Body(string description, string name = "n") =>
        new() { ["secret_name"] = name, ["secret_value"] = "some value", ["description"] = description };
}
