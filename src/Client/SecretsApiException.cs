using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Secrets.Client;

/// <summary>
/// The service refused a request, or what answered does not speak its language. Neither message nor members hold the request's body or
/// any value: of an answer only the parts that the contract knows are read.
/// </summary>
#pragma warning disable RCS1194 // Without a status there is none of these.
public sealed class SecretsApiException : Exception
#pragma warning restore RCS1194
{
    /// <summary>A refusal, for instance in a test of code that uses the client.</summary>
    public SecretsApiException(
        HttpStatusCode statusCode, string detail, IReadOnlyList<InvalidMember>? errors = null, TimeSpan? retryAfter = null, Exception? inner = null)
        : base(string.Create(CultureInfo.InvariantCulture, $"The service answered {(int)statusCode}: {detail}"), inner) =>
        (StatusCode, Detail, Errors, RetryAfter) = (statusCode, detail, errors ?? [], retryAfter);

    /// <summary>What the generated code throws.</summary>
    internal SecretsApiException(
        string message, int statusCode, string? response, IReadOnlyDictionary<string, IEnumerable<string>> headers, Exception? inner)
        : this((HttpStatusCode)statusCode, statusCode < 300 ? (message, []) : FailureText.Read(response), headers, inner)
    {
    }

    private SecretsApiException(
        HttpStatusCode statusCode,
        (string Detail, IReadOnlyList<InvalidMember> Errors) failure,
        IReadOnlyDictionary<string, IEnumerable<string>> headers,
        Exception? inner)
        : this(statusCode, failure.Detail, failure.Errors, Waiting.AskedFor(headers), inner)
    {
    }

    /// <summary>The status of the answer.</summary>
    public HttpStatusCode StatusCode { get; }

    /// <summary>What happened, in the service's words.</summary>
    public string Detail { get; }

    /// <summary>What is wrong with the request, one entry per place; empty unless the status is 422.</summary>
    public IReadOnlyList<InvalidMember> Errors { get; }

    /// <summary>When to try again, where the answer says (429, 503).</summary>
    public TimeSpan? RetryAfter { get; }
}

/// <summary>One thing that is wrong with a request.</summary>
/// <param name="Loc">Where: <c>body</c>, <c>query</c> or <c>path</c>, then the member, then the index in a list.</param>
/// <param name="Message">What is wrong, in words; never the value that was sent.</param>
/// <param name="Type">What is wrong, for programs, such as <c>string_too_short</c>.</param>
public sealed record InvalidMember(IReadOnlyList<string> Loc, string Message, string Type)
{
    public override string ToString() => $"{string.Join('.', Loc)}: {Message}";
}

/// <summary>The body of a refusal, as far as the contract knows it.</summary>
internal static class FailureText
{
    private const string NoReason = "no reason was given";

    public static (string Detail, IReadOnlyList<InvalidMember> Errors) Read(string? response)
    {
        try
        {
            var failure = JsonElement.Parse(response ?? "");
            if (Member(failure, "detail") is { ValueKind: JsonValueKind.Array } entries)
            {
                var errors = entries.EnumerateArray().Select(Entry).ToList();
                return (string.Join("; ", errors), errors);
            }

            return (Text(failure, "detail") ?? Text(failure, "message") ?? NoReason, []);
        }
        catch (JsonException)
        {
            // A proxy's page, perhaps. It may repeat what was sent to it, so nothing of it is kept.
            return (NoReason, []);
        }
    }

    private static InvalidMember Entry(JsonElement entry)
    {
        var loc = Member(entry, "loc") is { ValueKind: JsonValueKind.Array } steps ? steps.EnumerateArray().Select(step => step.ToString()) : [];
        return new InvalidMember([.. loc], Text(entry, "msg") ?? NoReason, Text(entry, "type") ?? "");
    }

    private static string? Text(JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static JsonElement? Member(JsonElement element, string name) =>
        element.ValueKind is JsonValueKind.Object && element.TryGetProperty(name, out var member) ? member : null;
}

/// <summary>How long a server asks to be left alone.</summary>
internal static class Waiting
{
    /// <summary>The answer's Retry-After. A moment is measured by the server's own clock, not by this machine's.</summary>
    public static TimeSpan? AskedFor(HttpResponseHeaders headers) => headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when headers.Date is { } now => date > now ? date - now : TimeSpan.Zero,
        _ => null,
    };

    /// <summary>The same, of headers as generated code collects them.</summary>
    public static TimeSpan? AskedFor(IReadOnlyDictionary<string, IEnumerable<string>> headers)
    {
        using var answer = new HttpResponseMessage();
        foreach (var name in (string[])["Retry-After", "Date"])
        {
            answer.Headers.TryAddWithoutValidation(name, headers.GetValueOrDefault(name, []));
        }

        return AskedFor(answer.Headers);
    }
}
