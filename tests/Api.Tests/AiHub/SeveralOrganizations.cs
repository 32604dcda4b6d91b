using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.AiHub;

/// <summary>A browser user whose token names several organisations: an admin of one, a member of two.</summary>
public sealed class SeveralOrganizations(ApiServer server)
{
    private readonly string _acme = Vault.NewOrganization();
    private readonly string _beta = Vault.NewOrganization();
    private readonly string _gamma = Vault.NewOrganization();

    [Fact]
    public async Task The_organisation_is_required_and_its_own_rules_apply()
    {
        using var client = Client();
        await FillAsync();

        (await client.GetAsync(Vault.Path)).MustBeRefused(401);
        (await client.PostAsync(Vault.Path, Vault.Body("new"))).MustBeRefused(401);
        Assert.Equal(["open", "some", "closed"], (await InAsync(_acme)).Aliases());
        (await InAsync(_beta)).MustBeRefused(401);
        Assert.Equal(["open", "some"], (await InAsync(_beta, "?workspace=support")).Aliases());
        (await InAsync(_beta, "?workspace=sales")).MustBeRefused(401);
        Assert.Equal(["open"], (await InAsync(_gamma, "?workspace=sales")).Aliases());
        (await InAsync(_gamma, "?workspace=support")).MustBeRefused(401);
        var body = Vault.Body("new").ToJsonString();
        (await client.SendAsync(HttpMethod.Post, Vault.Path, body, ("IB-Context", _acme))).MustBeDone();
        (await client.SendAsync(HttpMethod.Post, Vault.Path, body, ("IB-Context", _beta))).MustBeRefused(401);

        Task<Answer> InAsync(string organization, string query = "") =>
            client.SendAsync(HttpMethod.Get, Vault.Path + query, json: null, ("IB-Context", organization));
    }

    [Fact]
    public async Task Access_by_id_depends_on_the_role_in_each_organisation()
    {
        using var client = Client();
        var ids = await FillAsync();
        var own = await client.CreateSecretAsync("own");

        foreach (var (name, id) in ids.Append(("own", own)))
        {
            var (seen, changed) = name switch
            {
                "own" or "acme open" or "acme some" or "acme closed" => (200, 200),
                "beta open" or "beta some" or "gamma open" => (200, 403),
                _ => (404, 404),
            };
            (await client.GetAsync($"/api/v1/secrets/{id}")).MustBe(seen);
            (await client.PatchAsync($"/api/v1/secrets/{id}", new JsonObject { ["tool_arg"] = "a" })).MustBe(changed);
        }

        Assert.Equal(10, ids.Count + 1);
    }

    private static JsonObject Organization(string id, string role, params string[] workspaces) => new()
    {
        ["id"] = id,
        ["role"] = role,
        ["workspaces"] = new JsonArray([.. workspaces.Select(workspace => (JsonNode)workspace)]),
    };

    private ApiClient Client() => server.WithToken(server.Issuer.Token(
        Guid.NewGuid(),
        ("organizations", new JsonArray(Organization(_acme, "admin"), Organization(_beta, "member", "support", "hr"), Organization(_gamma, "member", "sales")))));

    /// <summary>Creates three secrets in each organisation: for all workspaces, for "support" only, and for none.</summary>
    private async Task<List<(string Name, Guid Id)>> FillAsync()
    {
        var ids = new List<(string, Guid)>();
        foreach (var (name, organization) in ((string, string)[])[("acme", _acme), ("beta", _beta), ("gamma", _gamma)])
        {
            using var admin = await server.NewAdminAsync(organization);
            await admin.StoreAliasAsync("open");
            await admin.StoreAliasAsync("some", rule: "SOME", workspaces: ["support"]);
            await admin.StoreAliasAsync("closed", rule: "NONE");
            ids.AddRange((await admin.GetAsync($"/api/v1/secrets?organization_id={organization}")).MustBe(200).Json["data"]!.AsArray()
                .Select(secret => ($"{name} {secret!["secret_name"]}", secret["secret_id"]!.GetValue<Guid>())));
        }

        return ids;
    }
}
