using System.Globalization;
using Microsoft.Net.Http.Headers;

namespace Secrets.Api.Binding;

/// <summary>A 200 with the version of its content as the entity tag (RFC 9110, section 8.8.3).</summary>
internal sealed class TaggedResult(object body, int version) : OkObjectResult(body)
{
    public override Task ExecuteResultAsync(ActionContext context)
    {
        context.HttpContext.Response.Headers.ETag = $"\"{version.ToString(CultureInfo.InvariantCulture)}\"";
        return base.ExecuteResultAsync(context);
    }
}

/// <summary>Marks an action that reads If-Match, for the OpenAPI documents.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TakesIfMatchAttribute : Attribute;

internal static class IfMatch
{
    /// <summary>The versions in the request's If-Match; null: no such header.</summary>
    /// <exception cref="MalformedHeaderException">The header is not a list of entity tags.</exception>
    public static VersionCondition? IfMatchVersions(this HttpRequest request)
    {
        if (!request.Headers.TryGetValue(HeaderNames.IfMatch, out var header))
        {
            return null;
        }

        if (!EntityTagHeaderValue.TryParseStrictList([.. header.OfType<string>()], out var tags)
            || (tags.Count > 1 && tags.Contains(EntityTagHeaderValue.Any)))
        {
            throw new MalformedHeaderException("If-Match must be * or a list of entity tags.");
        }

        // A weak tag never matches (RFC 9110, section 13.1.1), and neither does a tag of an impossible form.
        return tags.Contains(EntityTagHeaderValue.Any)
            ? VersionCondition.Any
            : new VersionCondition([.. tags.Where(tag => !tag.IsWeak).Select(VersionOf).OfType<int>()]);
    }

    // Tags are compared as text: "01" is not "1".
    private static int? VersionOf(EntityTagHeaderValue tag) =>
        tag.Tag.AsSpan()[1..^1] is [not '0', ..] text && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            ? version
            : null;
}
