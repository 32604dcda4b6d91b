using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>Checks of the shape of answers in the agent-secrets dialect.</summary>
internal static partial class Answers
{
    public const string Secrets = "/api/v1/secrets";

    private static readonly string[] SecretMembers =
    [
        "created_at", "description", "display", "is_default_for_tool", "secret_id", "secret_name", "tool_arg", "tool_name", "updated_at", "user_id",
    ];

    public static string One(Guid id) => $"{Secrets}/{id}";

    /// <summary>Asserts 200, all ten members with the right types, and an entity tag. Returns the secret.</summary>
    public static JsonObject MustBeSecret(this Answer answer)
    {
        answer.MustBe(200).MustBeJson();
        Assert.Matches("^\"[^\"]+\"$", answer.ETag());
        return CheckSecret(answer.Json, answer);
    }

    /// <summary>Asserts 200 and returns the listed secrets.</summary>
    public static IReadOnlyList<JsonObject> MustBeList(this Answer answer)
    {
        answer.MustBe(200).MustBeJson();
        var names = answer.Json.AsObject().Select(member => member.Key).Order(StringComparer.Ordinal);
        Assert.True(names.Except(["data", "next_cursor"], StringComparer.Ordinal).Any() is false, $"further members: {answer}");
        return [.. answer.Json["data"]!.AsArray().Select(secret => CheckSecret(secret!, answer))];
    }

    /// <summary>Asserts a failure other than 422: a detail text and no other member.</summary>
    public static Answer MustBeError(this Answer answer, int status, string? detail = null)
    {
        answer.MustBe(status).MustBeJson();
        var (name, value) = Assert.Single(answer.Json.AsObject());
        Assert.Equal("detail", name);
        Assert.True(value?.GetValueKind() == JsonValueKind.String && value.GetValue<string>().Length > 0, $"no words: {answer}");
        if (detail is not null)
        {
            Assert.Equal(detail, value.GetValue<string>());
        }

        return answer;
    }

    /// <summary>Asserts a 422 about exactly these places, in any order. A place is written as <c>body.secret_name: string_type</c>.</summary>
    public static Answer MustBeInvalid(this Answer answer, params string[] expected)
    {
        var found = answer.Violations();
        Assert.True(
            expected.Order(StringComparer.Ordinal).SequenceEqual(found.Order(StringComparer.Ordinal), StringComparer.Ordinal),
            $"expected {string.Join(", ", expected)} in {answer}");
        return answer;
    }

    /// <summary>Asserts a 422 whose errors have exactly three members, and returns the places.</summary>
    public static IReadOnlyList<string> Violations(this Answer answer)
    {
        answer.MustBe(422).MustBeJson();
        var (name, detail) = Assert.Single(answer.Json.AsObject());
        Assert.Equal("detail", name);
        Assert.NotEmpty(detail!.AsArray());
        return [.. detail.AsArray().Select(one => Describe(one!.AsObject(), answer))];
    }

    public static string? ETag(this Answer answer) => answer.Headers.TryGetValues("ETag", out var tags) ? Assert.Single(tags) : null;

    public static Guid Id(this JsonObject secret) => secret["secret_id"]!.GetValue<Guid>();

    public static string? Text(this JsonNode secret, string member) => secret[member]?.GetValue<string>();

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Moment { get; }

    private static void MustBeJson(this Answer answer) => Assert.Equal("application/json", answer.ContentHeaders.ContentType?.MediaType);

    private static string Describe(JsonObject violation, Answer answer)
    {
        var names = violation.Select(member => member.Key).Order(StringComparer.Ordinal);
        Assert.True(names.SequenceEqual(["loc", "msg", "type"], StringComparer.Ordinal), $"not loc, msg and type: {answer}");
        Assert.False(string.IsNullOrWhiteSpace(violation.Text("msg")), $"no words: {answer}");
        return $"{string.Join('.', violation["loc"]!.AsArray().Select(step => step!.ToString()))}: {violation.Text("type")}";
    }

    private static JsonObject CheckSecret(JsonNode node, Answer answer)
    {
        var secret = node.AsObject();

        // Optional members: overlaps after storing a default (OverlappingDefaults) and uses (CountingUses).
        var members = secret.Select(member => member.Key)
            .Where(name => name != "warnings" || answer.Method == HttpMethod.Get)
            .Except(["last_resolved_at", "use_count"], StringComparer.Ordinal)
            .Order(StringComparer.Ordinal);
        Assert.True(members.SequenceEqual(SecretMembers, StringComparer.Ordinal), $"not the ten members: {answer}");
        foreach (var id in (string[])["secret_id", "user_id"])
        {
            Assert.True(Guid.TryParseExact(secret.Text(id), "D", out _), $"{id} is no uuid: {answer}");
        }

        foreach (var moment in (string[])["created_at", "updated_at"])
        {
            Assert.Matches(Moment, secret.Text(moment)!);
        }

        Assert.True(secret["secret_name"]!.GetValueKind() == JsonValueKind.String, $"secret_name: {answer}");
        Assert.True(secret["is_default_for_tool"]!.GetValueKind() is JsonValueKind.True or JsonValueKind.False, $"is_default_for_tool: {answer}");
        Assert.True(secret["description"]!.GetValueKind() == JsonValueKind.String, $"description: {answer}");
        foreach (var text in (string[])["display", "tool_name", "tool_arg"])
        {
            Assert.True(secret[text] is null || secret[text]!.GetValueKind() == JsonValueKind.String, $"{text}: {answer}");
        }

        return secret;
    }
}
