using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests;

/// <summary>The examples of the contract: each is what its schema says, and the service accepts each request as it stands.</summary>
public sealed class TryingTheExamples(ApiServer server) : IAsyncLifetime
{
    private JsonObject _contract = null!;
    private JsonSchema _schemas = null!;

    public async ValueTask InitializeAsync()
    {
        if (TestDatabase.IsThere) // else every test is skipped
        {
            using var anybody = server.Anonymous();
            _contract = (await anybody.GetAsync("/openapi/v1.json")).MustBe(200).Json.AsObject();
            _schemas = new JsonSchema(_contract);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public void Every_schema_of_a_request_or_an_answer_has_an_example_that_it_admits()
    {
        var named = _contract["components"]!["schemas"]!.AsObject();
        Assert.True(named.Count > 30, $"only {named.Count} schemas");
        Assert.All(named, schema => Assert.Empty(_schemas.Errors(schema.Value!, ExampleOf(schema.Value!, schema.Key))));
    }

    [Fact]
    public async Task Every_example_of_a_request_is_accepted()
    {
        // A server of its own: among the requests is one that replaces every key.
        await using var own = ApiServer.With();
        await own.InitializeAsync();
        using var user = own.Operator();
        var ids = new Dictionary<string, string>(StringComparer.Ordinal);
        var requests = Operations().Where(one => one.Operation["requestBody"] is not null).ToList();
        Assert.True(requests.Count >= 9, $"only {requests.Count} operations have a body");

        // Creations first, then requests that need an id, deletions last.
        foreach (var (method, path, operation) in requests.OrderBy(one => one.Path.Count(character => character == '{')).ThenBy(one => one.Method == "delete"))
        {
            var example = ExampleOf(operation["requestBody"]!["content"]!["application/json"]!["schema"]!, $"{method} {path}");

            // A checkpoint counts only where it was made.
            var body = path == "/api/v1/audit/verify" ? (await user.GetAsync("/api/v1/audit/checkpoint")).MustBe(200).Json : example;
            var place = ids.Aggregate(path, (text, id) => text.Replace($"{{{id.Key}}}", id.Value, StringComparison.Ordinal));

            var answer = await user.SendAsync(new HttpMethod(method.ToUpperInvariant()), place, body.ToJsonString());

            answer.MustBe(200);
            var schema = operation["responses"]!["200"]!["content"]!["application/json"]!["schema"]!;
            Assert.Empty(_schemas.Errors(schema, answer.Json));
            foreach (var name in (string[])["secret_id", "id"])
            {
                if (answer.Json[name] is { } id)
                {
                    ids.TryAdd(name, id.GetValue<string>());
                }
            }
        }
    }

    [Fact]
    public void Operations_are_grouped_and_every_group_is_explained_in_a_sentence()
    {
        var groups = _contract["tags"]!.AsArray().ToDictionary(tag => tag!["name"]!.GetValue<string>(), tag => tag!["description"]!.GetValue<string>());

        Assert.Equal(["Secrets", "Resolution", "Organisation vault", "API keys", "Audit", "Encryption", "Usage"], groups.Keys);
        Assert.All(groups.Values, sentence => Assert.Matches(@"^[A-Z][^.]+\.$", sentence));
        Assert.All(Operations(), one => Assert.Contains(Assert.Single(one.Operation["tags"]!.AsArray())!.GetValue<string>(), groups.Keys));
    }

    [Fact]
    public void Version_and_licence_are_those_of_the_product()
    {
        var info = _contract["info"]!;

        Assert.Equal(typeof(Program).Assembly.GetName().Version!.ToString(3), info["version"]!.GetValue<string>());
        Assert.Equal("MIT", info["license"]!["identifier"]!.GetValue<string>());
    }

    private IEnumerable<(string Method, string Path, JsonNode Operation)> Operations() =>
        from path in _contract["paths"]!.AsObject()
        from operation in path.Value!.AsObject()
        select (operation.Key, path.Key, operation.Value!);

    /// <summary>The example of a schema, put together from those of its members where it has none of its own.</summary>
    private JsonNode ExampleOf(JsonNode schema, string place)
    {
        if (schema["$ref"] is { } reference)
        {
            return ExampleOf(_schemas.Resolve(reference.GetValue<string>()), place);
        }

        if (schema["examples"] is JsonArray examples)
        {
            return Assert.Single(examples)!.DeepClone();
        }

        if (schema["oneOf"] is JsonArray options)
        {
            return ExampleOf(Assert.Single(options, option => option!["type"]?.ToJsonString() != "\"null\"")!, place);
        }

        if (schema["items"] is { } item)
        {
            return new JsonArray(ExampleOf(item, place));
        }

        Assert.True(schema["properties"] is JsonObject, $"{place} has no example");
        var members = schema["properties"]!.AsObject().Select(member => KeyValuePair.Create(member.Key, (JsonNode?)ExampleOf(member.Value!, $"{place}.{member.Key}")));
        return new JsonObject(members);
    }
}
