using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.AiHub;

/// <summary>
/// Every operation on secrets of an organisation, in both dialects, for every kind of caller. The organisation has three secrets: <c>open</c> for all
/// workspaces, <c>some</c> for "support" and "sales", and <c>closed</c> for none.
/// </summary>
public sealed class WhoMayDoWhat(ApiServer server)
{
    private static readonly string[] Everybody =
    [
        "anonymous", "bad key", "admin", "read-only admin", "write-only admin", "member of support", "member of hr", "member of none",
        "admin of another", "member of another", "user of none", "operator of none", "runtime", "runtime of none", "key manager",
    ];

    /// <summary>Each operation and its status for each caller, in the order of <see cref="Everybody"/>.</summary>
    private static readonly Dictionary<string, string> Table = new(StringComparer.Ordinal)
    {
        //                                      anon bad  adm  r-o  w-o  mSup mHr  mNon admX memX user oper run  runX key
        ["create"] = /*                      */ "401 401 200 401 200 401 401 401 401 401 401 401 401 401 401",
        ["update"] = /*                      */ "401 401 200 401 200 401 401 401 401 401 401 401 401 401 401",
        ["update nothing"] = /*              */ "401 401 200 401 200 401 401 401 401 401 401 401 401 401 401",
        ["update unknown"] = /*              */ "401 401 404 401 404 401 401 401 401 401 401 401 401 401 401",
        ["delete"] = /*                      */ "401 401 200 401 200 401 401 401 401 401 401 401 401 401 401",
        ["delete unknown"] = /*              */ "401 401 404 401 404 401 401 401 401 401 401 401 401 401 401",
        ["list"] = /*                        */ "401 401 +++ +++ 401 401 401 401 401 401 401 401 401 401 401",
        ["list one"] = /*                    */ "401 401 +.. +.. 401 401 401 401 401 401 401 401 401 401 401",
        ["list support"] = /*                */ "401 401 ++. ++. 401 ++. 401 401 401 401 401 401 401 401 401",
        ["list hr"] = /*                     */ "401 401 +.. +.. 401 401 +.. 401 401 401 401 401 401 401 401",
        ["list nowhere"] = /*                */ "401 401 +.. +.. 401 401 401 401 401 401 401 401 401 401 401",
        ["v1 create"] = /*                   */ "401 401 200 403 200 403 403 403 403 403 403 403 403 403 403",
        ["v1 list"] = /*                     */ "401 401 +++ +++ 403 403 403 403 403 403 403 403 403 403 403",
        ["v1 list support"] = /*             */ "401 401 ++. ++. 403 ++. 403 403 403 403 403 403 403 403 403",
        ["v1 get open"] = /*                 */ "401 401 200 200 403 200 200 404 404 404 404 404 403 403 403",
        ["v1 get some"] = /*                 */ "401 401 200 200 403 200 404 404 404 404 404 404 403 403 403",
        ["v1 get closed"] = /*               */ "401 401 200 200 403 404 404 404 404 404 404 404 403 403 403",
        ["v1 update open"] = /*              */ "401 401 200 403 200 403 403 404 404 404 404 404 403 403 403",
        ["v1 update closed"] = /*            */ "401 401 200 403 200 404 404 404 404 404 404 404 403 403 403",
        ["v1 delete some"] = /*              */ "401 401 200 403 200 403 404 404 404 404 404 404 403 403 403",
        ["v1 usage"] = /*                    */ "401 401 200 200 403 403 403 403 403 403 403 403 403 403 403",
    };

    public static TheoryData<string> Operations => [.. Table.Keys];

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Each_caller_gets_the_status_in_the_table(string operation)
    {
        var organization = Vault.NewOrganization();
        using var owner = await server.NewAdminAsync(organization);
        var found = new List<string>();
        foreach (var who in Everybody)
        {
            var ids = await ResetAsync(owner, organization);
            using var client = await ClientAsync(who, organization);

            var answer = await SendAsync(client, operation, organization, ids);

            found.Add(operation.Contains("list", StringComparison.Ordinal) && answer.Status == 200 ? Marks(answer, operation) : $"{answer.Status}");
            if (answer.Status != 200 && !operation.StartsWith("v1", StringComparison.Ordinal))
            {
                answer.MustBeRefused(answer.Status);
            }

            answer.MustNotRepeat("a value that nobody sees");
        }

        Assert.Equal(
            Everybody.Zip(Table[operation].Split(' ')).Select(pair => $"{pair.First}: {pair.Second}"),
            Everybody.Zip(found).Select(pair => $"{pair.First}: {pair.Second}"));
    }

    [Theory]
    [InlineData("admin", 401)]
    [InlineData("member of support", 401)]
    [InlineData("user of none", 401)]
    public async Task Foreign_and_missing_organisations_get_the_same_refusal(string who, int status)
    {
        var (mine, theirs) = (Vault.NewOrganization(), Vault.NewOrganization());
        using var other = await server.NewAdminAsync(theirs);
        await other.StoreAliasAsync("key");
        using var client = await ClientAsync(who, mine);

        foreach (var (method, body) in (IEnumerable<(HttpMethod, JsonObject?)>)
            [
                (HttpMethod.Get, null),
                (HttpMethod.Post, Vault.Body("other")),
                (HttpMethod.Patch, new JsonObject { ["alias"] = "key", ["value"] = "v" }),
                (HttpMethod.Delete, new JsonObject { ["alias"] = "key" }),
            ])
        {
            var foreign = (await client.SendAsync(method, Vault.Path, body?.ToJsonString(), ("IB-Context", theirs))).MustBeRefused(status);
            var unknown = (await client.SendAsync(method, Vault.Path, body?.ToJsonString(), ("IB-Context", Vault.NewOrganization()))).MustBeRefused(status);
            Assert.Equal(unknown.Body, foreign.Body);
        }

        Assert.Equal(["key"], (await other.GetAsync(Vault.Path)).Aliases());
    }

    [Fact]
    public async Task Naming_the_organisation_is_optional_for_callers_with_one()
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        (await admin.SendAsync(HttpMethod.Post, Vault.Path, Vault.Body("key").ToJsonString(), ("IB-Context", organization))).MustBeDone();
        Assert.Equal(["key"], (await admin.SendAsync(HttpMethod.Get, Vault.Path, json: null, ("IB-Context", organization))).Aliases());
        Assert.Equal(["key"], (await admin.GetAsync(Vault.Path)).Aliases());
        (await admin.SendAsync(HttpMethod.Get, Vault.Path, json: null, ("IB-Context", organization.ToUpperInvariant()))).MustBeRefused(401);
        (await admin.SendAsync(HttpMethod.Get, Vault.Path, json: null, ("IB-Context", $"{organization},{organization}"))).MustBeRefused(401);
    }

    private static async Task<Dictionary<string, Guid>> ResetAsync(ApiClient owner, string organization)
    {
        var list = $"/api/v1/secrets?organization_id={organization}";
        foreach (var alias in (await owner.GetAsync(Vault.Path)).Aliases())
        {
            (await owner.DeleteAliasAsync(alias)).MustBeDone();
        }

        await owner.StoreAliasAsync("open", "a value that nobody sees");
        await owner.StoreAliasAsync("some", "a value that nobody sees", "SOME", "support", "sales");
        await owner.StoreAliasAsync("closed", "a value that nobody sees", "NONE");
        return (await owner.GetAsync(list)).MustBe(200).Json["data"]!.AsArray()
            .ToDictionary(secret => secret!["secret_name"]!.GetValue<string>(), secret => secret!["secret_id"]!.GetValue<Guid>(), StringComparer.Ordinal);
    }

    private async Task<ApiClient> ClientAsync(string who, string organization)
    {
        var another = Vault.NewOrganization();
        var user = Guid.NewGuid();
        string[] both = ["secrets:read", "secrets:write"];
        return who switch
        {
            "anonymous" => server.Anonymous(),
            "bad key" => server.WithKey("sk_nonsense"),
            "admin" => await server.NewKeyAsync(user, both, organization, "admin"),
            "read-only admin" => await server.NewKeyAsync(user, ["secrets:read"], organization, "admin"),
            "write-only admin" => await server.NewKeyAsync(user, ["secrets:write"], organization, "admin"),
            "member of support" => await server.NewKeyAsync(user, both, organization, "member", "support", "other"),
            "member of hr" => await server.NewKeyAsync(user, both, organization, "member", "hr"),
            "member of none" => await server.NewKeyAsync(user, both, organization),
            "admin of another" => await server.NewKeyAsync(user, both, another, "admin"),
            "member of another" => await server.NewKeyAsync(user, both, another, "member", "support"),
            "user of none" => await server.NewKeyAsync(user, both),
            "operator of none" => await server.NewKeyAsync(user, ["operator", .. both]),
            "runtime" => await server.NewKeyAsync(user, ["secrets:resolve"], organization, "admin"),
            "runtime of none" => await server.NewKeyAsync(user, ["secrets:resolve"]),
            "key manager" => await server.NewKeyAsync(user, ["keys:manage", "audit:read", "operator"], organization, "admin"),
            _ => throw new ArgumentOutOfRangeException(nameof(who)),
        };
    }

    private static Task<Answer> SendAsync(ApiClient client, string operation, string organization, Dictionary<string, Guid> ids)
    {
        const string V1 = "/api/v1/secrets";
        return operation switch
        {
            "create" => Vaulted(HttpMethod.Post, Vault.Body("new", "a value that nobody sees")),
            "update" => Vaulted(HttpMethod.Patch, new JsonObject { ["alias"] = "open", ["value"] = "a value that nobody sees" }),
            "update nothing" => Vaulted(HttpMethod.Patch, new JsonObject { ["alias"] = "open" }),
            "update unknown" => Vaulted(HttpMethod.Patch, new JsonObject { ["alias"] = "unknown" }),
            "delete" => Vaulted(HttpMethod.Delete, new JsonObject { ["alias"] = "some" }),
            "delete unknown" => Vaulted(HttpMethod.Delete, new JsonObject { ["alias"] = "unknown" }),
            "list" => Vaulted(HttpMethod.Get, body: null),
            "list one" => Vaulted(HttpMethod.Get, body: null, "?alias=open"),
            "list support" => Vaulted(HttpMethod.Get, body: null, "?workspace=support"),
            "list hr" => Vaulted(HttpMethod.Get, body: null, "?workspace=hr"),
            "list nowhere" => Vaulted(HttpMethod.Get, body: null, "?workspace=nowhere"),
            "v1 create" => client.PostAsync(
                $"{V1}?organization_id={organization}", new JsonObject { ["secret_name"] = "new", ["secret_value"] = "a value that nobody sees" }),
            "v1 list" => client.GetAsync($"{V1}?organization_id={organization}"),
            "v1 list support" => client.GetAsync($"{V1}?organization_id={organization}&workspace=support"),
            "v1 usage" => client.GetAsync($"/api/v1/usage?organization_id={organization}"),
            _ when operation.Split(' ') is [_, var verb, var alias] => client.SendAsync(
                new HttpMethod(verb is "update" ? "PATCH" : verb.ToUpperInvariant()), $"{V1}/{ids[alias]}", verb is "update" ? """{"tool_arg":"a"}""" : null),
            _ => throw new ArgumentOutOfRangeException(nameof(operation)),
        };

        Task<Answer> Vaulted(HttpMethod method, JsonObject? body, string query = "") =>
            client.SendAsync(method, Vault.Path + query, body?.ToJsonString(), ("IB-Context", organization));
    }

    /// <summary>Which secrets are listed: <c>+</c> or <c>.</c> for open, some and closed.</summary>
    private static string Marks(Answer answer, string operation)
    {
        var (list, name) = operation.StartsWith("v1", StringComparison.Ordinal) ? ("data", "secret_name") : ("secrets", "alias");
        var listed = answer.MustBe(200).Json[list]!.AsArray().Select(secret => secret![name]!.GetValue<string>()).ToList();
        return string.Concat(((string[])["open", "some", "closed"]).Select(alias => listed.Contains(alias, StringComparer.Ordinal) ? '+' : '.'));
    }
}
