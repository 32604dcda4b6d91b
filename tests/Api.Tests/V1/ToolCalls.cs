using System.Text.Json.Nodes;
using Secrets.Domain.Secrets;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>Shared by the tests of resolve and explain.</summary>
internal static class ToolCalls
{
    public const string Resolve = "/api/v1/secrets/resolve";
    public const string Explain = "/api/v1/secrets/resolve/explain";
    public const string Tool = "agno__linear__get";

    public static readonly string[] Runtime = ["secrets:read", "secrets:write", "secrets:resolve"];

    public static string NewOrganization() => $"org-{Guid.NewGuid():N}";

    public static SecretOwner Owner(string organization) => new(OwnerKind.Organization, organization);

    /// <summary>The body of a call. Null members are omitted.</summary>
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

    /// <summary>The result of resolve: a line <c>arg=value</c> for each value, then a line <c>arg: reason</c> for each missing argument.</summary>
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

    /// <summary>The only explained argument.</summary>
    public static JsonObject OnlyArgument(this Answer answer)
    {
        answer.MustBe(200);
        var (name, arguments) = Assert.Single(answer.Json.AsObject());
        Assert.Equal("arguments", name);
        return Assert.Single(arguments!.AsArray())!.AsObject();
    }
}
