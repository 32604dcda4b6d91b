using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>Paths, queries and bodies accept the same forms of timestamps and UUIDs.</summary>
public sealed class TimestampsAndUuids(ApiServer server)
{
    private const string Audit = "/api/v1/audit";
    private const string Keys = "/api/v1/api-keys";

    [Theory]
    [InlineData("2099-12-31T08:00:00Z", "2099-12-31T08:00:00.000000Z")]
    [InlineData("2099-12-31t08:00:00z", "2099-12-31T08:00:00.000000Z")]
    [InlineData("2099-12-31T08:00:00.123456789Z", "2099-12-31T08:00:00.123456Z")]
    [InlineData("2099-12-31T08:00:00.1234567890123456789012345678901234567890+02:00", "2099-12-31T06:00:00.123456Z")]
    [InlineData("2099-12-31T08:00:00.5-23:59", "2100-01-01T07:59:00.500000Z")]
    public async Task RFC_3339_timestamps_are_accepted(string text, string read)
    {
        using var user = await server.NewUserAsync("secrets:read", "audit:read", "keys:manage");

        var made = (await user.PostAsync(Keys, Key(text))).MustBe(200).Json;
        var next = (await user.PostAsync($"{Keys}/{made["id"]}/rotate", new JsonObject { ["expires_at"] = text })).MustBe(200).Json;

        Assert.Equal(read, made["expires_at"]!.GetValue<string>());
        Assert.Equal(read, next["expires_at"]!.GetValue<string>());
        Assert.Empty((await user.GetAsync($"{Audit}?from={Uri.EscapeDataString(text)}")).MustBe(200).Json["data"]!.AsArray());
        Assert.NotEmpty((await user.GetAsync($"{Audit}?to={Uri.EscapeDataString(text)}&limit=1")).MustBe(200).Json["data"]!.AsArray());
    }

    [Theory]
    [InlineData("2099-12-31T08:00:00+0200")]
    [InlineData("2099-12-31T08:00:00+02")]
    [InlineData("2099-12-31T08:00Z")]
    [InlineData("2099-12-31T08:00:00.Z")]
    [InlineData("2099-12-31T08:00:00")]
    [InlineData("2099-12-31 08:00:00Z")]
    [InlineData("2099-12-31")]
    [InlineData("2099-02-29T08:00:00Z")]
    [InlineData("2099-12-31T24:00:00Z")]
    [InlineData("2099-12-31T23:59:60Z")]
    [InlineData("2099-12-31T08:00:00+24:00")]
    [InlineData("9999-12-31T23:59:59-00:01")]
    [InlineData(" 2099-12-31T08:00:00Z")]
    public async Task Other_timestamps_are_refused(string text)
    {
        using var user = await server.NewUserAsync("secrets:read", "audit:read", "keys:manage");

        (await user.PostAsync(Keys, Key(text))).MustBeInvalid("body.expires_at: datetime_parsing").MustNotRepeat(text);
        (await user.PostAsync($"{Keys}/{Guid.NewGuid()}/rotate", new JsonObject { ["expires_at"] = text })).MustBeInvalid("body.expires_at: datetime_parsing");
        foreach (var end in (string[])["from", "to"])
        {
            (await user.GetAsync($"{Audit}?{end}={Uri.EscapeDataString(text)}")).MustBeInvalid($"query.{end}: datetime_parsing").MustNotRepeat(text);
        }
    }

    [Fact]
    public async Task UUIDs_without_hyphens_are_accepted_everywhere()
    {
        using var user = await server.NewUserAsync("secrets:read", "secrets:write", "secrets:resolve", "audit:read", "keys:manage");
        var id = await user.CreateSecretAsync("n", toolName: "t", toolArg: "a", isDefault: true);
        var key = (await user.PostAsync(Keys, new JsonObject { ["name"] = "n", ["scopes"] = new JsonArray("secrets:read"), ["user_id"] = $"{user.UserId:N}" })).MustBe(200).Json;
        var keyId = key["id"]!.GetValue<Guid>();

        Assert.Equal(user.UserId, key["user_id"]!.GetValue<Guid>());
        Assert.Equal($"{id}", (await user.GetAsync($"{Answers.Secrets}/{id:N}")).MustBeSecret().Text("secret_id"));
        Assert.Equal(id, (await user.PatchAsync($"{Answers.Secrets}/{id.ToString("N").ToUpperInvariant()}", new JsonObject { ["secret_name"] = "m" })).MustBeSecret().Id());
        (await user.PostAsync($"{Keys}/{keyId:N}/rotate", body: null)).MustBe(200);
        (await user.DeleteAsync($"{Keys}/{keyId:N}")).MustBe(200);
        foreach (var path in (string[])["resolve", "resolve/explain"])
        {
            (await user.PostAsync($"{Answers.Secrets}/{path}", new JsonObject { ["tool_name"] = "t", ["user_id"] = $"{user.UserId:N}" })).MustBe(200);
        }

        (await user.DeleteAsync($"{Answers.Secrets}/{id:N}")).MustBe(200);
        Assert.Equal(4, (await user.GetAsync($"{Audit}?secret_id={id:N}&actor={user.UserId:N}")).MustBe(200).Json["data"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("{01890a5d-ac96-774b-bcce-b302099a8057}")]
    [InlineData("{01890a5dac96774bbcceb302099a8057}")]
    [InlineData("01890a5dac96-774b-bcce-b302099a8057")]
    [InlineData("0x890a5d-ac96-774b-bcce-b302099a8057")]
    [InlineData("+1890a5d-ac96-774b-bcce-b302099a8057")]
    [InlineData(" 01890a5dac96774bbcceb302099a805")]
    [InlineData("urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057")]
    public async Task Other_forms_of_UUIDs_are_refused(string text)
    {
        using var user = await server.NewUserAsync("secrets:read", "secrets:resolve", "audit:read", "keys:manage");
        using var @operator = server.Operator();
        var escaped = Uri.EscapeDataString(text);
        var key = Key(null);
        key["user_id"] = text;
        var checkpoint = new JsonObject
        {
            ["at"] = "2026-01-01T00:00:00Z",
            ["count"] = 1,
            ["heads"] = new JsonArray(new JsonObject { ["writer"] = text, ["sequence"] = 1, ["hash"] = "00" }),
            ["mac"] = "00",
        };

        (await user.GetAsync($"{Answers.Secrets}/{escaped}")).MustBeInvalid("path.secret_id: uuid_parsing").MustNotRepeat(text);
        (await user.DeleteAsync($"{Keys}/{escaped}")).MustBeInvalid("path.id: uuid_parsing");
        (await user.GetAsync($"{Audit}?secret_id={escaped}&actor={escaped}")).MustBeInvalid("query.secret_id: uuid_parsing", "query.actor: uuid_parsing");
        (await user.PostAsync(Keys, key)).MustBeInvalid("body.user_id: uuid_parsing").MustNotRepeat(text);
        (await user.PostAsync($"{Answers.Secrets}/resolve", new JsonObject { ["tool_name"] = "t", ["user_id"] = text })).MustBeInvalid("body.user_id: uuid_parsing");
        (await @operator.PostAsync($"{Audit}/verify", checkpoint)).MustBeInvalid("body.heads.0.writer: uuid_parsing");
    }

    private static JsonObject Key(string? end) => new() { ["name"] = "n", ["scopes"] = new JsonArray("secrets:read"), ["expires_at"] = end };
}
