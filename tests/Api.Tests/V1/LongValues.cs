using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>Values of the maximum configurable length.</summary>
public sealed class LongValues(LongValues.Fixture fixture) : IClassFixture<LongValues.Fixture>
{
    private const int Longest = 65_536;

    [Theory]
    [InlineData("x")]
    [InlineData("鍵")]
    [InlineData("🔑")]
    public async Task The_longest_value_is_stored_masked_changed_and_resolved(string character)
    {
        using var user = await fixture.Server.NewUserAsync();
        using var runtime = await fixture.Server.NewUserAsync("secrets:resolve");
        var (first, second) = (Of(character, "head"), Of(character, "kopf"));

        // System.Text.Json escapes characters outside of ASCII, so the body has its maximum size.
        var made = (await user.PostAsync(Answers.Secrets, Body("key", first))).MustBeSecret();
        Assert.StartsWith("head...", made.Text("display")!, StringComparison.Ordinal);
        Assert.Equal(first, await ResolveAsync(runtime, user));
        (await user.PatchAsync(Answers.One(made.Id()), new JsonObject { ["secret_value"] = second })).MustBeSecret();
        Assert.Equal(second, await ResolveAsync(runtime, user));
        Assert.Equal(System.Text.Encoding.UTF8.GetByteCount(second), (await user.GetAsync("/api/v1/usage")).MustBe(200).Json["bytes_used"]!.GetValue<long>());

        (await user.PostAsync(Answers.Secrets, Body("other", first + character))).MustBeInvalid("body.secret_value: string_too_long");
        (await user.PatchAsync(Answers.One(made.Id()), new JsonObject { ["secret_value"] = first + character })).MustBeInvalid("body.secret_value: string_too_long");
    }

    [Fact]
    public async Task A_private_key_fits_into_a_value()
    {
        using var user = await fixture.Server.NewUserAsync();
        using var runtime = await fixture.Server.NewUserAsync("secrets:resolve");
        using var key = System.Security.Cryptography.RSA.Create(4096);
        var pem = key.ExportPkcs8PrivateKeyPem();

        Assert.True(pem.Length > 1024);
        (await user.PostAsync(Answers.Secrets, Body("key", pem))).MustBeSecret();
        Assert.Equal(pem, await ResolveAsync(runtime, user));
    }

    [Fact]
    public async Task A_call_returns_at_most_four_MiB_of_values()
    {
        using var user = await fixture.Server.NewUserAsync();
        using var runtime = await fixture.Server.NewUserAsync("secrets:resolve");
        (await user.PostAsync(Answers.Secrets, Body("key", Of("🔑", "head")))).MustBeSecret();

        // Each value has 256 KiB, plus its envelope.
        Assert.Equal(15, (await AskAsync(15)).MustBe(200).Json["values"]!.AsArray().Count);
        (await AskAsync(16)).MustBeError(413);
        (await AskAsync(100)).MustBeError(413);

        Task<Answer> AskAsync(int arguments) => runtime.PostAsync("/api/v1/secrets/resolve", new JsonObject
        {
            ["user_id"] = user.UserId.ToString(),
            ["tool_name"] = "tool",
            ["tool_args"] = new JsonArray(),
            ["references"] = new JsonObject(Enumerable.Range(0, arguments).Select(at => KeyValuePair.Create($"arg-{at}", (JsonNode?)"key"))),
        });
    }

    private static string Of(string character, string head) => head + string.Concat(Enumerable.Repeat(character, Longest - head.Length));

    private static JsonObject Body(string name, string value) =>
        new() { ["secret_name"] = name, ["secret_value"] = value, ["tool_name"] = "tool", ["tool_arg"] = "arg", ["is_default_for_tool"] = name is "key" };

    private static async Task<string> ResolveAsync(ApiClient runtime, ApiClient user)
    {
        var answer = await runtime.PostAsync("/api/v1/secrets/resolve", new JsonObject { ["user_id"] = user.UserId.ToString(), ["tool_name"] = "tool" });
        return answer.MustBe(200).Json["values"]![0]!.Text("secret_value")!;
    }

    public sealed class Fixture : IAsyncLifetime
    {
        public ApiServer Server { get; } = ApiServer.With(("Limits:SecretValueLength", $"{Longest}"), ("Quota:BytesPerOwner", "1048576"));

        public ValueTask InitializeAsync() => Server.InitializeAsync();

        public ValueTask DisposeAsync() => Server.DisposeAsync();
    }
}
