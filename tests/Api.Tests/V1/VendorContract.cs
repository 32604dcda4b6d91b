using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>
/// Compares every operation with the vendor's own OpenAPI document: answers must match the document, and both must accept the same bodies.
/// The document is not part of this repository. Without the document these tests are skipped.
/// <see cref="TheShapeOfAnswers"/> and <see cref="LimitsOfSecrets"/> check the same rules without the document.
/// </summary>
public sealed class VendorContract(ApiServer server)
{
    private const string List = "/v1/secrets/";
    private const string One = "/v1/secrets/{secret_id}";

    [Fact]
    public async Task Every_answer_matches_the_vendors_document()
    {
        var vendor = Vendor();
        using var user = await server.NewUserAsync();
        var answers = new List<(string Operation, string Path, Answer Answer)>();

        var made = await user.PostAsync(Answers.Secrets + "/", new JsonObject { ["secret_name"] = "plain", ["secret_value"] = "some value" });
        var one = Answers.One(made.MustBeSecret().Id());
        answers.Add(("post", List, made));
        answers.Add(("post", List, await user.PostAsync(Answers.Secrets + "/", new JsonObject
        {
            ["secret_name"] = "bound",
            ["secret_value"] = "some value",
            ["tool_name"] = "agno__linear__*",
            ["tool_arg"] = "api_key",
            ["is_default_for_tool"] = true,
        })));
        answers.Add(("get", List, await user.GetAsync(Answers.Secrets + "/")));
        answers.Add(("get", One, await user.GetAsync(one)));
        answers.Add(("patch", One, await user.PatchAsync(one, new JsonObject { ["secret_name"] = "renamed" })));
        answers.Add(("delete", One, await user.DeleteAsync(one)));
        foreach (var operation in (string[])["get", "patch", "delete"])
        {
            var method = new HttpMethod(operation.ToUpperInvariant());
            answers.Add((operation, One, (await user.SendAsync(method, one)).MustBe(404)));
            answers.Add((operation, One, (await user.SendAsync(method, Answers.Secrets + "/no-uuid")).MustBe(422)));
        }

        answers.Add(("get", List, (await user.GetAsync(Answers.Secrets + "/?limit=0")).MustBe(422)));
        answers.Add(("post", List, (await user.PostAsync(Answers.Secrets + "/", new JsonObject())).MustBe(422)));
        answers.Add(("post", List, (await user.PostAsync(Answers.Secrets + "/", new JsonArray())).MustBe(422)));
        answers.Add(("patch", One, (await user.PatchAsync(one, new JsonObject { ["secret_value"] = "abc" })).MustBe(422)));

        Assert.All(answers, answered =>
        {
            var (operation, path, answer) = answered;
            var documented = vendor.Resolve("#/paths")[path]![operation]!["responses"]!.AsObject();
            Assert.True(documented.ContainsKey($"{answer.Status}"), $"not documented: {answer}");
            var schema = documented[$"{answer.Status}"]!["content"]?["application/json"]!["schema"];
            var errors = schema is null ? [] : vendor.Errors(schema, answer.Json).ToList();
            Assert.True(errors.Count == 0, $"{string.Join("; ", errors)} in {answer}");
        });
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PATCH")]
    public async Task Exactly_the_bodies_that_the_vendor_documents_are_accepted(string method)
    {
        var vendor = Vendor();
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("to be changed", toolName: "tool", toolArg: "arg");
        var path = method is "POST" ? List : One;
        var schema = vendor.Resolve("#/paths")[path]![method.ToLowerInvariant()]!["requestBody"]!["content"]!["application/json"]!["schema"]!;
        var verdicts = new HashSet<bool>();

        foreach (var body in Bodies())
        {
            var isValid = !vendor.Errors(schema, body).Any();
            var answer = method is "POST" ? await user.PostAsync(Answers.Secrets, body) : await user.PatchAsync(Answers.One(id), body);

            Assert.True(answer.Status == (isValid ? 200 : 422), $"{body.ToJsonString()}: documented as valid: {isValid}, {answer}");
            verdicts.Add(isValid);
            if (method is "POST" && isValid)
            {
                (await user.DeleteAsync(Answers.One(answer.MustBeSecret().Id()))).MustBe(200);
            }
        }

        Assert.Equal(2, verdicts.Count);
    }

    /// <summary>A valid body with one member replaced or omitted, for every member.</summary>
    private static IEnumerable<JsonObject> Bodies()
    {
        foreach (var member in (string[])["secret_name", "secret_value", "tool_name", "tool_arg", "is_default_for_tool", "unknown"])
        {
            foreach (var value in Values())
            {
                var body = new JsonObject { ["secret_name"] = "n", ["secret_value"] = "some value", ["tool_name"] = "t", ["tool_arg"] = "a" };
                body[member] = value;
                yield return body;
            }

            var without = new JsonObject { ["secret_name"] = "n", ["secret_value"] = "some value", ["tool_name"] = "t", ["tool_arg"] = "a" };
            without.Remove(member);
            yield return without;
        }
    }

    private static IEnumerable<JsonNode?> Values()
    {
        foreach (var length in (int[])[0, 1, 3, 4, 1024, 1025])
        {
            yield return new string('x', length);
            yield return string.Concat(Enumerable.Repeat("🔑", length));
        }

        yield return null;
        yield return 5;
        yield return 1.5;
        yield return true;
        yield return false;
        yield return new JsonArray("text");
        yield return new JsonObject();
    }

    private static JsonSchema Vendor() => new(JsonNode.Parse(File.ReadAllText(Repository.VendorDocument("ionet-secrets.openapi.json")))!);
}
