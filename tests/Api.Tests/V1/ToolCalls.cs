using System.Text.Json.Nodes;
using Secrets.Domain.Secrets;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>What tests of resolving and of explaining share.</summary>
internal static class ToolCalls
{
    public const string Resolve = "/api/v1/secrets/resolve";
    public const string Explain = "/api/v1/secrets/resolve/explain";
    public const string Tool = "agno__linear__get";

    public static readonly string[] Runtime = ["secrets:read", "secrets:write", "secrets:resolve"];

    public static string NewOrganization() => $"org-{Guid.NewGuid():N}";

    public static SecretOwner Owner(string organization) => new(OwnerKind.Organization, organization);

    /// <summary>A call; what is null is left out.</summary>
    public static JsonObject Call(
        IReadOnlyList<string>? args = null,
        string tool = Tool,
        Guid? user = null,
        string? organization = null,
        string? workspace = null,
        params (string Arg, string Name)[] references)
    {
        var call = new JsonObject { ["tool_name"] = tool };
        Add("tool_args", args is null ? null : new JsonArray([.. args.Select(arg => (JsonNode)arg)]));
        Add("user_id", user?.ToString());
        Add("organization_id", organization);
        Add("workspace", workspace);
        Add("references", references.Length == 0 ? null : new JsonObject(references.Select(pair => KeyValuePair.Create(pair.Arg, (JsonNode?)pair.Name))));
        return call;

        void Add(string name, JsonNode? value)
        {
            if (value is not null)
            {
                call[name] = value;
            }
        }
    }

    /// <summary>What was resolved, one line per value and then one per missing argument: <c>arg=value</c> and <c>arg: reason</c>.</summary>
    public static IReadOnlyList<string> Lines(this Answer answer)
    {
        answer.MustBe(200);
        string[] members = answer.Json["values"]!.AsArray().Count > 0 ? ["values", "missing", "receipt"] : ["values", "missing"];
        Assert.Equal(members, answer.Json.AsObject().Select(member => member.Key));
        return
        [
            .. answer.Json["values"]!.AsArray().Select(row => $"{row!.Text("tool_arg")}={row!.Text("secret_value")}"),
            .. answer.Json["missing"]!.AsArray().Select(row => $"{row!.Text("tool_arg")}: {row!.Text("reason")}"),
        ];
    }

    /// <summary>The one argument that was explained.</summary>
    public static JsonObject OnlyArgument(this Answer answer)
    {
        answer.MustBe(200);
        var (name, arguments) = Assert.Single(answer.Json.AsObject());
        Assert.Equal("arguments", name);
        return Assert.Single(arguments!.AsArray())!.AsObject();
    }
}
