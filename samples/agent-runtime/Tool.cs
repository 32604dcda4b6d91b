using System.Text.Json.Nodes;

namespace Secrets.AgentRuntime;

/// <summary>A registered tool. The model sees its name and the schema of its arguments; the platform runs it.</summary>
internal sealed record Tool(string Name, JsonObject Schema, Func<JsonObject, string> Run)
{
    /// <summary>All arguments of the schema.</summary>
    public IEnumerable<string> Arguments => Schema["properties"]!.AsObject().Select(property => property.Key);

    /// <summary>The required arguments that the call lacks. Null counts as missing.</summary>
    public IReadOnlyList<string> MissingFrom(JsonObject arguments) =>
        [.. Schema["required"]!.AsArray().Select(name => name!.GetValue<string>()).Where(name => arguments[name] is null)];

    /// <summary>The tools of this platform. They only print a made-up result.</summary>
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
