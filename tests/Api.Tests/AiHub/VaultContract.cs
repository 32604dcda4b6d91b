using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.AiHub;

/// <summary>
/// Compares every operation with the vendor's own OpenAPI document, which is not part of this repository. Without the document these tests
/// are skipped. <see cref="ManagingAliases"/> and <see cref="BadAliasBodies"/> check the same rules without the document.
/// </summary>
public sealed class VaultContract(ApiServer server)
{
    private const string Documented = "/v2/aihub/secrets";

    [Fact]
    public async Task Every_answer_matches_the_vendors_document()
    {
        var vendor = Vendor();
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        using var nobody = server.Anonymous();
        var patch = new JsonObject { ["alias"] = "key", ["description"] = "d", ["allowed_workspaces_type"] = "NONE" };
        var answers = new List<Answer>
        {
            (await admin.PostAsync(Vault.Path, Vault.Body("key", "v", "SOME", "support", "sales"))).MustBeDone(),
            (await admin.PostAsync(Vault.Path, Vault.Body("key"))).MustBeRefused(409),
            (await admin.PostAsync(Vault.Path, Vault.Body("big", new string('x', 45_001)))).MustBeRefused(400),
            (await admin.PostAsync(Vault.Path, new JsonObject())).MustBeRefused(400),
            (await admin.GetAsync(Vault.Path)).MustBe(200),
            (await admin.GetAsync(Vault.Path + "?workspace=support")).MustBe(200),
            (await admin.GetAsync(Vault.Path + "?alias=unknown")).MustBe(200),
            (await nobody.GetAsync(Vault.Path)).MustBeRefused(401),
            (await admin.PatchAsync(Vault.Path, patch)).MustBeDone(),
            (await admin.GetAsync(Vault.Path)).MustBe(200),
            (await admin.PatchAsync(Vault.Path, new JsonObject { ["alias"] = "unknown" })).MustBeRefused(404),
            (await nobody.PatchAsync(Vault.Path, patch)).MustBeRefused(401),
            (await admin.DeleteAliasAsync("key")).MustBeDone(),
            (await admin.DeleteAliasAsync("key")).MustBeRefused(404),
        };

        Assert.All(answers, answer =>
        {
            var responses = vendor.Resolve("#/paths")[Documented]![answer.Method.Method.ToLowerInvariant()]!["responses"]!;
            var schema = (responses[$"{answer.Status}"] ?? responses["default"])!["content"]?["application/json"]!["schema"];
            var errors = schema is null ? [] : vendor.Errors(schema, answer.Json).ToList();
            Assert.True(errors.Count == 0, $"{string.Join("; ", errors)} in {answer}");
        });
    }

    [Fact]
    public async Task Workspace_rule_names_match_the_vendors_document()
    {
        using var anybody = server.Anonymous();
        var documented = Vendor().Resolve("#/paths")[Documented]!["post"]!["requestBody"]!["content"]!["application/json"]!["schema"]!;
        var expected = documented["properties"]!["allowed_workspaces_type"]!["enum"]!;

        var ours = new JsonSchema((await anybody.GetAsync("/openapi/v1.json")).MustBe(200).Json).Resolve("#/components/schemas");

        foreach (var schema in (string[])["CreateAliasBody", "UpdateAliasBody", "AliasInfo"])
        {
            var names = ours[schema]!["properties"]!["allowed_workspaces_type"]!["enum"]?.AsArray() ?? [];
            Assert.Equal(expected.AsArray().Select(name => $"{name}"), names.OfType<JsonNode>().Select(name => $"{name}"));
        }
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PATCH")]
    [InlineData("DELETE")]
    public async Task Bodies_that_the_vendor_refuses_are_refused(string method)
    {
        // The converse does not hold: the vendor documents no lengths, and we accept null where the vendor does not.
        var vendor = Vendor();
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        var schema = vendor.Resolve("#/paths")[Documented]![method.ToLowerInvariant()]!["requestBody"]!["content"]!["application/json"]!["schema"]!;
        var (accepted, refused) = (0, 0);
        foreach (var body in Bodies())
        {
            if (method is not "POST")
            {
                await admin.PostAsync(Vault.Path, Vault.Body("key"));
            }

            var isValid = !vendor.Errors(schema, body).Any();
            var answer = await admin.SendAsync(new HttpMethod(method), Vault.Path, body.ToJsonString());
            var isKnown = body.All(member => member.Value is not null);

            Assert.True(answer.Status is 200 or 400 or 404, answer.ToString());
            if (isKnown && !isValid)
            {
                answer.MustBeRefused(400);
                refused++;
            }

            accepted += answer.Status == 200 ? 1 : 0;
            await admin.DeleteAliasAsync("key");
        }

        Assert.True(accepted > 2 && refused > 2, $"{accepted} accepted, {refused} refused");
    }

    /// <summary>A valid body with one member replaced or omitted, for every member.</summary>
    private static IEnumerable<JsonObject> Bodies()
    {
        foreach (var member in (string[])["alias", "value", "description", "allowed_workspaces_type", "allowed_workspaces", "unknown"])
        {
            foreach (var value in Values())
            {
                var body = Vault.Body("key", "v", "SOME", "support");
                body[member] = value;
                yield return body;
            }

            var without = Vault.Body("key", "v", "SOME", "support");
            without.Remove(member);
            yield return without;
        }
    }

    private static IEnumerable<JsonNode?> Values() =>
        [null, "text", "ALL", "SOME", "NONE", "all", 5, 1.5, true, new JsonArray("text"), new JsonArray(5), new JsonArray(), new JsonObject()];

    private static JsonSchema Vendor() => new(JsonNode.Parse(File.ReadAllText(Repository.VendorDocument("aihub-secrets.openapi.json")))!);
}
