using System.Text.Json.Nodes;

namespace Secrets.AgentRuntime;

/// <summary>A tool as a platform registers it: the model sees the name and the schema of the arguments, the platform runs it.</summary>
internal sealed record Tool(string Name, JsonObject Schema, Func<JsonObject, string> Run)
{
    /// <summary>Every argument that the schema knows.</summary>
    public IEnumerable<string> Arguments => Schema["properties"]!.AsObject().Select(property => property.Key);

    /// <summary>What the schema requires and the call does not give; null is nothing given.</summary>
    public IReadOnlyList<string> MissingFrom(JsonObject arguments) =>
        [.. Schema["required"]!.AsArray().Select(name => name!.GetValue<string>()).Where(name => arguments[name] is null)];

    /// <summary>The three that this platform has. They only say what they would do.</summary>
    public static IReadOnlyList<Tool> All { get; } =
    [
        new(
            "sample__linear__get_issue_details",
            Object("issue_id", "api_token"),
            arguments => $"issue {arguments["issue_id"]} is in review"),
        new(
            "sample__github__list_pull_requests",
            Object("repository", "token"),
            arguments => $"{arguments["repository"]} has 2 open pull requests"),
        new(
            "sample__weather__forecast",
            Object("city", "api_key"),
            arguments => $"rain in {arguments["city"]}"),
    ];

    private static JsonObject Object(params string[] required) => new()
    {
        ["type"] = "object",
        ["properties"] = new JsonObject(required.Select(name => KeyValuePair.Create<string, JsonNode?>(name, new JsonObject { ["type"] = "string" }))),
        ["required"] = new JsonArray([.. required.Select(name => (JsonNode)name)]),
    };
}
