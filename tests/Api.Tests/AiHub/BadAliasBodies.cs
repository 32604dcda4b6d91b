using System.Text;
using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.AiHub;

/// <summary>Requests that the vault dialect refuses, and the answers. MARK stands for a text that no answer may repeat.</summary>
public sealed class BadAliasBodies(ApiServer server)
{
    private static readonly string[] Methods = ["POST", "PATCH", "DELETE"];

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"MARK\"")]
    [InlineData("{}")]
    [InlineData("{\"alias\": \"MARK\"")]
    [InlineData("""{"alias": "key", "value": "MARK", "allowed_workspaces_type": "ALL", "alias": "key"}""")]
    [InlineData("""{"alias": "key", "value": "MARK", "allowed_workspaces_type": "ALL", "u": {"MARK": 1, "MARK": 2}}""")]
    [InlineData("""{"alias": null, "value": "MARK", "allowed_workspaces_type": "ALL"}""")]
    [InlineData("""{"alias": 5, "value": "MARK", "allowed_workspaces_type": "ALL"}""")]
    [InlineData("""{"alias": ["MARK"], "value": "MARK", "allowed_workspaces_type": "ALL"}""")]
    [InlineData("""{"Alias": "MARK", "value": "MARK", "allowed_workspaces_type": "ALL"}""")]
    [InlineData("""{"alias": "", "value": "MARK", "allowed_workspaces_type": "ALL"}""")]
    [InlineData("""{"alias": "MARK MARK", "value": "MARK", "allowed_workspaces_type": "ALL"}""")]
    [InlineData("""{"alias": "MARK/a", "value": "MARK", "allowed_workspaces_type": "ALL"}""")]
    [InlineData("""{"alias": "MARKé", "value": "MARK", "allowed_workspaces_type": "ALL"}""")]
    [InlineData("""{"alias": "MARK\n", "value": "MARK", "allowed_workspaces_type": "ALL"}""")]
    [InlineData("""{"alias": "MARK\u0000", "value": "MARK", "allowed_workspaces_type": "ALL"}""")]
    [InlineData("""{"alias": "MARK\ud800", "value": "MARK", "allowed_workspaces_type": "ALL"}""")]
    public async Task Every_operation_refuses_the_body(string body)
    {
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        await admin.StoreAliasAsync("key");
        foreach (var method in Methods)
        {
            (await SendAsync(admin, method, body, out var mark)).MustBeRefused(400).MustNotRepeat(mark);
        }
    }

    [Theory]
    [InlineData("""{"alias": "key"}""", "value: Is required. allowed_workspaces_type: Is required.")]
    [InlineData("""{"alias": "other", "value": "MARK"}""", "allowed_workspaces_type: Is required.")]
    [InlineData("""{"alias": "other", "value": null, "allowed_workspaces_type": null}""", "value: Must be a string. allowed_workspaces_type: Must be a string.")]
    [InlineData("""{"alias": "other", "value": "MARK", "allowed_workspaces_type": "SOME"}""", "allowed_workspaces: ")]
    [InlineData("""{"alias": "other", "value": "MARK", "allowed_workspaces_type": "SOME", "allowed_workspaces": null}""", "allowed_workspaces: ")]
    public async Task Storing_names_missing_members(string body, string message)
    {
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        (await SendAsync(admin, "POST", body, out var mark)).MustBeRefused(400, message).MustNotRepeat(mark);
    }

    [Theory]
    [InlineData("value", "5")]
    [InlineData("value", "[\"MARK\"]")]
    [InlineData("value", "\"\"")]
    [InlineData("value", "\"MARK\\u0000\"")]
    [InlineData("value", "\"MARK\\udc00\"")]
    [InlineData("description", "{\"MARK\":1}")]
    [InlineData("description", "\"MARK\\u0000\"")]
    [InlineData("allowed_workspaces_type", "\"MARK\"")]
    [InlineData("allowed_workspaces_type", "\"all\"")]
    [InlineData("allowed_workspaces_type", "\"\"")]
    [InlineData("allowed_workspaces_type", "2")]
    [InlineData("allowed_workspaces", "\"MARK\"")]
    [InlineData("allowed_workspaces", "[5]")]
    [InlineData("allowed_workspaces", "[null]")]
    [InlineData("allowed_workspaces", "[\"w\",\"\"]")]
    [InlineData("allowed_workspaces", "[\"w\",\"MARK\\u0000\"]")]
    [InlineData("allowed_workspaces", "[]")]
    public async Task The_invalid_member_is_named(string member, string json)
    {
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        await admin.StoreAliasAsync("key", rule: "SOME", workspaces: ["w"]);
        foreach (var (method, alias) in ((string, string)[])[("POST", "other"), ("PATCH", "key")])
        {
            var members = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["alias"] = $"\"{alias}\"",
                ["value"] = "\"a value\"",
                ["allowed_workspaces_type"] = "\"SOME\"",
                ["allowed_workspaces"] = "[\"w\"]",
                [member] = json,
            };
            var body = $"{{{string.Join(',', members.Select(pair => $"\"{pair.Key}\":{pair.Value}"))}}}";
            (await SendAsync(admin, method, body, out var mark)).MustBeRefused(400, member).MustNotRepeat(mark);
        }
    }

    [Fact]
    public async Task All_faults_are_listed_in_one_answer()
    {
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        var refused = await SendAsync(
            admin, "POST", """{"alias": "a b", "value": "", "description": "\u0000", "allowed_workspaces_type": "Some", "allowed_workspaces": []}""", out _);
        foreach (var member in (string[])["alias", "value", "description", "allowed_workspaces_type"])
        {
            refused.MustBeRefused(400, $"{member}: ");
        }
    }

    [Fact]
    public async Task A_list_accepts_a_hundred_workspaces()
    {
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        var workspaces = Enumerable.Range(0, 101).Select(number => $"w{number}").ToArray();
        (await admin.PostAsync(Vault.Path, Vault.Body("key", "v", "SOME", workspaces))).MustBeRefused(400, "allowed_workspaces");
        await admin.StoreAliasAsync("key", "v", "SOME", workspaces[1..]);
        (await admin.PatchAsync(Vault.Path, new JsonObject { ["alias"] = "key", ["allowed_workspaces"] = Vault.Body("key", workspaces: workspaces)["allowed_workspaces"]!.DeepClone() }))
            .MustBeRefused(400, "allowed_workspaces");
        Assert.Equal(100, (await admin.AliasAsync("key", "&workspace=w100"))["allowed_workspaces"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("?alias=unknown")]
    [InlineData("?alias=MARK%20MARK")]
    [InlineData("?alias=KEY")]
    [InlineData("?alias=ke_")]
    [InlineData("?alias=key%25")]
    [InlineData("?alias=key&workspace=sales")]
    public async Task An_unknown_alias_gives_an_empty_list(string query)
    {
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        await admin.StoreAliasAsync("key", rule: "SOME", workspaces: ["support"]);
        Assert.Equal("""{"secrets":[]}""", (await admin.GetAsync(Vault.Path + query)).MustBe(200).Body);
    }

    [Theory]
    [InlineData("?alias=%00")]
    [InlineData("?workspace=MARK%00")]
    [InlineData("?alias=%20%20")]
    [InlineData("?workspace=%20")]
    public async Task An_invalid_query_is_refused(string query)
    {
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        (await admin.GetAsync(Vault.Path + query)).MustBeRefused(400).MustNotRepeat("MARK");
    }

    [Fact]
    public async Task Framework_errors_have_the_same_shape()
    {
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        (await admin.SendAsync(HttpMethod.Put, Vault.Path, "{}")).MustBeRefused(405);
        (await admin.SendAsync(HttpMethod.Get, Vault.Path + "/key")).MustBeRefused(404);
        (await admin.SendAsync(HttpMethod.Get, "/API/V2/AIHUB/other")).MustBeRefused(404);
        (await admin.SendAsync(HttpMethod.Post, Vault.Path, new StringContent("{}", Encoding.UTF8, "text/plain"))).MustBeRefused(415);
        using var nobody = server.Anonymous();
        (await nobody.SendAsync(HttpMethod.Get, Vault.Path)).MustBeRefused(401);
    }

    [Fact]
    public async Task An_error_about_a_large_body_has_the_same_shape()
    {
        // A raw connection: the server answers before it has read the whole body, and an HTTP client that still writes may find the connection closed.
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        var body = Encoding.ASCII.GetBytes(new string(' ', 1024 * 1024) + "{}");

        var answer = await RawHttp.SendAsync(
            server.Address,
            Encoding.ASCII.GetBytes(
                $"POST {Vault.Path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {admin.Key}\r\n"
                + $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"),
            body);

        Assert.True(answer.Status == 413, $"{answer}");
        Assert.Contains("Content-Type: application/json", answer.Head, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("WWW-Authenticate", answer.Head, StringComparison.OrdinalIgnoreCase);
        var (name, message) = Assert.Single(JsonNode.Parse(answer.Body)!.AsObject());
        Assert.Equal("message", name);
        Assert.NotEmpty(message!.GetValue<string>());
    }

    private static Task<Answer> SendAsync(ApiClient client, string method, string body, out string mark)
    {
        mark = $"mark{Guid.NewGuid():N}";
        return client.SendAsync(new HttpMethod(method), Vault.Path, body.Replace("MARK", mark, StringComparison.Ordinal));
    }
}
