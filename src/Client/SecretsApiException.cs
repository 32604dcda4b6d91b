using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Secrets.Client;

/// <summary>
/// The service refused a request, or the response is not the service's. The exception contains neither the request's body nor a secret
/// value: only members of the contract are read from a response.
/// </summary>
#pragma warning disable RCS1194 // The standard constructors have no status.
public sealed class SecretsApiException : Exception
#pragma warning restore RCS1194
{
    /// <summary>Creates a refusal, for instance in a test of code that uses the client.</summary>
    public SecretsApiException(
        HttpStatusCode statusCode, string detail, IReadOnlyList<InvalidMember>? errors = null, TimeSpan? retryAfter = null, Exception? inner = null)
        : base(string.Create(CultureInfo.InvariantCulture, $"The service answered {(int)statusCode}: {detail}"), inner) =>
        (StatusCode, Detail, Errors, RetryAfter) = (statusCode, detail, errors ?? [], retryAfter);

    /// <summary>The constructor that generated code calls.</summary>
    internal SecretsApiException(
        string message, int statusCode, string? response, IReadOnlyDictionary<string, IEnumerable<string>> headers, Exception? inner)
        : this((HttpStatusCode)statusCode, statusCode < 300 ? (message, []) : FailureBody.Read(response), headers, inner)
    {
    }

    private SecretsApiException(
        HttpStatusCode statusCode,
        (string Detail, IReadOnlyList<InvalidMember> Errors) failure,
        IReadOnlyDictionary<string, IEnumerable<string>> headers,
        Exception? inner)
        : this(statusCode, failure.Detail, failure.Errors, RetryAfterHeader.Read(headers), inner)
    {
    }

    /// <summary>The status of the response.</summary>
    public HttpStatusCode StatusCode { get; }

    /// <summary>The service's message.</summary>
    public string Detail { get; }

    /// <summary>The faults of the request; empty unless the status is 422.</summary>
    public IReadOnlyList<InvalidMember> Errors { get; }

    /// <summary>The delay before a retry, from <c>Retry-After</c> (429, 503); null if the response has none.</summary>
    public TimeSpan? RetryAfter { get; }
}

/// <summary>One fault of a request.</summary>
/// <param name="Loc">The place: <c>body</c>, <c>query</c> or <c>path</c>, then the member, then the index in a list.</param>
/// <param name="Message">The fault for people. Never contains the value that was sent.</param>
/// <param name="Type">The fault for programs, such as <c>string_too_short</c>.</param>
public sealed record InvalidMember(IReadOnlyList<string> Loc, string Message, string Type)
{
    public override string ToString() => $"{string.Join('.', Loc)}: {Message}";
}

/// <summary>Reads the members of the contract from the body of a refusal.</summary>
internal static class FailureBody
{
    private const string NoReason = "the response gives no reason";

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
            // Possibly a proxy's page. It may repeat the request, so no part of it is kept.
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

/// <summary>Reads the delay that <c>Retry-After</c> asks for.</summary>
internal static class RetryAfterHeader
{
    /// <summary>A date is compared with the response's <c>Date</c>, because the clock of this machine may differ.</summary>
    public static TimeSpan? Read(HttpResponseHeaders headers) => headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when headers.Date is { } now => date > now ? date - now : TimeSpan.Zero,
        _ => null,
    };

    /// <summary>The same for headers as generated code collects them.</summary>
    public static TimeSpan? Read(IReadOnlyDictionary<string, IEnumerable<string>> headers)
    {
        using var response = new HttpResponseMessage();
        foreach (var name in (string[])["Retry-After", "Date"])
        {
            response.Headers.TryAddWithoutValidation(name, headers.GetValueOrDefault(name, []));
        }

        return Read(response.Headers);
    }
}
