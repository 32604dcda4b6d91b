using System.Text.Json;
using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.AiHub;

/// <summary>Requests of the vault dialect and checks of the shape of its answers.</summary>
internal static class Vault
{
    public const string Path = "/api/v2/aihub/secrets";

    private static readonly string[] Members =
    [
        "alias", "allowed_workspaces", "allowed_workspaces_type", "created_at", "created_by", "description", "last_updated_by", "org", "updated_at",
    ];

    /// <summary>A unique organisation.</summary>
    public static string NewOrganization() => $"org-{Guid.NewGuid():N}";

    /// <summary>A new admin of the organisation, with a key that reads and writes by default.</summary>
    public static Task<ApiClient> NewAdminAsync(this ApiServer server, string organization, params string[] scopes) =>
        server.NewKeyAsync(Guid.NewGuid(), ScopesOr(scopes), organization, "admin");

    /// <summary>A new member of the organisation, with a key that reads and writes.</summary>
    public static Task<ApiClient> NewMemberAsync(this ApiServer server, string organization, params string[] workspaces) =>
        server.NewKeyAsync(Guid.NewGuid(), ScopesOr([]), organization, "member", workspaces);

    public static JsonObject Body(string alias, string value = "some value", string rule = "ALL", params string[] workspaces) => new()
    {
        ["alias"] = alias,
        ["value"] = value,
        ["allowed_workspaces_type"] = rule,
        ["allowed_workspaces"] = new JsonArray([.. workspaces.Select(workspace => (JsonNode)workspace)]),
    };

    public static async Task StoreAliasAsync(
        this ApiClient client, string alias, string value = "some value", string rule = "ALL", params string[] workspaces) =>
        (await client.PostAsync(Path, Body(alias, value, rule, workspaces))).MustBeDone();

    public static Task<Answer> DeleteAliasAsync(this ApiClient client, string alias) =>
        client.SendAsync(HttpMethod.Delete, Path, new JsonObject { ["alias"] = alias }.ToJsonString());

    /// <summary>Resolves a reference to the alias.</summary>
    public static Task<Answer> ResolveAliasAsync(this ApiClient client, string alias, string organization, string? workspace, string tool = "tool") =>
        client.AskAsync("/api/v1/secrets/resolve", new JsonObject
        {
            ["tool_name"] = tool,
            ["tool_args"] = new JsonArray(),
            ["references"] = new JsonObject { ["a"] = alias },
            ["organization_id"] = organization,
            ["workspace"] = workspace,
        });

    /// <summary>Gets the only secret with the alias that the client sees.</summary>
    public static async Task<JsonObject> AliasAsync(this ApiClient client, string alias, string query = "") =>
        (await client.GetAsync($"{Path}?alias={alias}{query}")).MustBeAliases().Single();

    public static Answer MustBeDone(this Answer answer)
    {
        Assert.Equal("{}", answer.MustBe(200).Body);
        return answer;
    }

    /// <summary>Asserts 200 and returns the listed secrets. Each must have all members, with the right types.</summary>
    public static IReadOnlyList<JsonObject> MustBeAliases(this Answer answer)
    {
        var (name, secrets) = Assert.Single(answer.MustBe(200).Json.AsObject());
        Assert.Equal("secrets", name);
        return [.. secrets!.AsArray().Select(secret => Check(secret!.AsObject(), answer))];
    }

    public static IEnumerable<string> Aliases(this Answer answer) => answer.MustBeAliases().Select(secret => secret["alias"]!.GetValue<string>());

    /// <summary>Asserts a refusal with a message and no other member.</summary>
    public static Answer MustBeRefused(this Answer answer, int status, string? containing = null)
    {
        answer.MustBe(status);
        Assert.Equal("application/json", answer.ContentHeaders.ContentType?.MediaType);
        var (name, value) = Assert.Single(answer.Json.AsObject());
        Assert.Equal("message", name);
        Assert.True(value?.GetValueKind() == JsonValueKind.String && value.GetValue<string>().Length > 0, $"no message: {answer}");
        Assert.Contains(containing ?? "", value.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(status == 401, answer.Headers.WwwAuthenticate.Count > 0);
        return answer;
    }

    private static string[] ScopesOr(string[] scopes) => scopes.Length > 0 ? scopes : ["secrets:read", "secrets:write"];

    private static JsonObject Check(JsonObject secret, Answer answer)
    {
        var members = secret.Select(member => member.Key).Order(StringComparer.Ordinal);
        Assert.True(members.SequenceEqual(Members, StringComparer.Ordinal), $"not the nine members: {answer}");
        Assert.All((string[])["alias", "description", "allowed_workspaces_type", "org"], text => Assert.Equal(JsonValueKind.String, secret[text]!.GetValueKind()));
        Assert.All((string[])["created_by", "last_updated_by"], user => Assert.True(Guid.TryParseExact(secret[user]!.GetValue<string>(), "D", out _), $"{user}: {answer}"));

        // The timestamps are in milliseconds. Seconds or ticks would differ by a factor of at least a thousand.
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        Assert.All((string[])["created_at", "updated_at"], moment => Assert.InRange(secret[moment]!.GetValue<long>(), now - 3_600_000, now + 60_000));
        Assert.True(secret["allowed_workspaces"] is JsonArray, $"allowed_workspaces: {answer}");
        return secret;
    }
}
