using System.Text;
using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>The values of an owner have at most <see cref="ApiServer.Quota"/> bytes in total.</summary>
public sealed class Quotas(ApiServer server)
{
    private const string Key = "🔑";

    [Fact]
    public async Task A_new_user_uses_nothing()
    {
        using var user = await server.NewUserAsync();

        var usage = (await user.GetAsync("/api/v1/usage")).MustBe(200).Json;

        Assert.True(
            JsonNode.DeepEquals(new JsonObject { ["bytes_used"] = 0, ["bytes_quota"] = ApiServer.Quota, ["secrets"] = 0, ["secrets_quota"] = 10_000 }, usage), usage.ToJsonString());
    }

    [Fact]
    public async Task Usage_is_exact_at_every_step()
    {
        using var user = await server.NewUserAsync();

        var one = await user.CreateSecretAsync("one", "1234");
        await MustUseAsync(user, 4, 1);
        var two = await user.CreateSecretAsync("two", new string('x', 1024));
        await MustUseAsync(user, 1028, 2);
        await ChangeAsync(user, one, Value(10));
        await MustUseAsync(user, 1034, 2);
        await ChangeAsync(user, two, "1234");
        await MustUseAsync(user, 14, 2);
        (await user.PatchAsync(Answers.One(two), new JsonObject { ["secret_name"] = "renamed", ["tool_name"] = "tool" })).MustBe(200);
        (await user.PatchAsync(Answers.One(two), new JsonObject())).MustBe(200);
        await MustUseAsync(user, 14, 2);
        (await user.DeleteAsync(Answers.One(one))).MustBe(200);
        await MustUseAsync(user, 4, 1);
        (await user.DeleteAsync(Answers.One(one))).MustBe(404);
        await MustUseAsync(user, 4, 1);
        (await user.DeleteAsync(Answers.One(two))).MustBe(200);
        await MustUseAsync(user, 0, 0);
    }

    [Theory]
    [InlineData("xxxx", 4)]
    [InlineData("éééé", 8)]
    [InlineData("鍵鍵鍵鍵", 12)]
    [InlineData("🔑🔑🔑🔑", 16)]
    [InlineData("\"\\\n\t", 4)]
    public async Task Characters_count_by_their_bytes_in_UTF_8(string value, int bytes)
    {
        using var user = await server.NewUserAsync();

        await user.CreateSecretAsync("n", value);

        await MustUseAsync(user, bytes, 1);
    }

    [Fact]
    public async Task Refused_requests_cost_nothing()
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("n", "1234", "tool", "arg", isDefault: true);

        (await StoreAsync(user, "n", "12345678")).MustBeError(409);
        (await user.PostAsync(Answers.Secrets, new JsonObject
        {
            ["secret_name"] = "m",
            ["secret_value"] = "12345678",
            ["tool_name"] = "tool",
            ["tool_arg"] = "arg",
            ["is_default_for_tool"] = true,
        })).MustBeError(409);
        (await StoreAsync(user, "m", "123")).MustBe(422);
        (await user.PatchAsync(Answers.One(id), new JsonObject { ["secret_value"] = "12345678", ["tool_name"] = null })).MustBe(422);
        (await user.SendAsync(HttpMethod.Patch, Answers.One(id), """{"secret_value": "12345678"}""", ("If-Match", "\"7\""))).MustBeError(412);
        (await user.SendAsync(HttpMethod.Delete, Answers.One(id), (string?)null, ("If-Match", "\"7\""))).MustBeError(412);
        (await user.DeleteAsync(Answers.One(Guid.NewGuid()))).MustBeError(404);

        await MustUseAsync(user, 4, 1);
    }

    [Fact]
    public async Task The_quota_can_be_filled_to_the_last_byte_and_not_exceeded()
    {
        using var user = await server.NewUserAsync();
        var (fill, count) = await FillAsync(user, leave: 4);
        await MustUseAsync(user, ApiServer.Quota - 4, count);

        Exceeds(await StoreAsync(user, "too much", "12345"));
        Exceeds(await ChangeAsync(user, fill[0], Value(1029)));
        await MustUseAsync(user, ApiServer.Quota - 4, count);
        var last = (await StoreAsync(user, "last", "1234")).MustBeSecret().Id();
        await MustUseAsync(user, ApiServer.Quota, count + 1);

        // A full account still allows changes that do not increase the usage.
        Exceeds(await StoreAsync(user, "more", "1234"));
        Exceeds(await ChangeAsync(user, last, "12345"));
        (await ChangeAsync(user, last, "4321")).MustBeSecret();
        (await user.PatchAsync(Answers.One(last), new JsonObject { ["secret_name"] = "renamed", ["tool_name"] = "tool" })).MustBeSecret();
        await MustUseAsync(user, ApiServer.Quota, count + 1);

        // Released bytes can be used again, to the byte.
        (await ChangeAsync(user, fill[0], Value(1000))).MustBeSecret();
        await MustUseAsync(user, ApiServer.Quota - 24, count + 1);
        Exceeds(await StoreAsync(user, "more", Value(25)));
        (await StoreAsync(user, "more", Value(24))).MustBeSecret();
        await MustUseAsync(user, ApiServer.Quota, count + 2);
        (await user.DeleteAsync(Answers.One(last))).MustBe(200);
        Exceeds(await StoreAsync(user, "again", "12345"));
        (await StoreAsync(user, "again", "1234")).MustBeSecret();
        await MustUseAsync(user, ApiServer.Quota, count + 2);
    }

    [Fact]
    public async Task Concurrent_requests_cannot_exceed_the_quota_together()
    {
        using var user = await server.NewUserAsync();
        var (_, count) = await FillAsync(user, leave: 3 * 1024);

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => StoreAsync(user, $"together {i}", Value(1024))));

        Assert.Equal(3, answers.Count(answer => answer.Status == 200));
        Assert.All(answers.Where(answer => answer.Status != 200), Exceeds);
        await MustUseAsync(user, ApiServer.Quota, count + 3);
    }

    [Fact]
    public async Task Concurrent_deletes_of_one_secret_release_its_bytes_once()
    {
        using var user = await server.NewUserAsync();
        await user.CreateSecretAsync("stays", "1234");
        var id = await user.CreateSecretAsync("goes", "12345678");

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => user.DeleteAsync(Answers.One(id))));

        var deleted = Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer != deleted), answer => answer.MustBeError(404, "Not found"));
        await MustUseAsync(user, 4, 1);
    }

    [Fact]
    public async Task Each_owner_has_its_own_quota()
    {
        using var user = await server.NewUserAsync();
        using var other = await server.NewUserAsync();
        await FillAsync(user, leave: 0);

        Exceeds(await StoreAsync(user, "more", "1234"));
        (await StoreAsync(other, "more", "1234")).MustBeSecret();
        await MustUseAsync(other, 4, 1);
    }

    private static void Exceeds(Answer answer) =>
        Assert.Contains("quota", answer.MustBeError(413).Json.Text("detail"), StringComparison.OrdinalIgnoreCase);

    /// <summary>Stores values until <paramref name="leave"/> bytes are left. Long values of four-byte characters keep the number of requests small.</summary>
    private static async Task<(IReadOnlyList<Guid> Ids, int Count)> FillAsync(ApiClient user, int leave)
    {
        var ids = new List<Guid> { await user.CreateSecretAsync("one byte each", Value(1024)) };
        var rest = ApiServer.Quota - 1024 - leave;
        while (rest > 0)
        {
            // The last value must not be shorter than the minimum length.
            var bytes = rest is > 4096 and < 4100 ? 4000 : Math.Min(rest, 4096);
            ids.Add(await user.CreateSecretAsync($"{ids.Count}", Value(bytes)));
            rest -= bytes;
        }

        return (ids, ids.Count);
    }

    /// <summary>A value of <paramref name="bytes"/> bytes, in at most 1024 characters.</summary>
    private static string Value(int bytes)
    {
        var value = bytes <= 1024 ? new string('x', bytes) : string.Concat(Enumerable.Repeat(Key, bytes / 4)) + new string('x', bytes % 4);
        Assert.Equal(bytes, Encoding.UTF8.GetByteCount(value));
        return value;
    }

    private static Task<Answer> StoreAsync(ApiClient user, string name, string value) =>
        user.PostAsync(Answers.Secrets, new JsonObject { ["secret_name"] = name, ["secret_value"] = value });

    private static Task<Answer> ChangeAsync(ApiClient user, Guid id, string value) =>
        user.PatchAsync(Answers.One(id), new JsonObject { ["secret_value"] = value });

    private static async Task MustUseAsync(ApiClient user, int bytes, int secrets)
    {
        var usage = await user.GetAsync("/api/v1/usage");
        var expected = new JsonObject { ["bytes_used"] = bytes, ["bytes_quota"] = ApiServer.Quota, ["secrets"] = secrets, ["secrets_quota"] = 10_000 };
        Assert.True(JsonNode.DeepEquals(expected, usage.MustBe(200).Json), $"expected {expected.ToJsonString()}, got {usage}");
    }
}
