using System.Diagnostics;
using OpenTelemetry;

namespace Secrets.Api.Telemetry;

/// <summary>Removes all text from spans that a caller may have sent: attributes that are not allowed, descriptions of failures, and what came with a parent's id.</summary>
internal sealed class SafeSpans : BaseProcessor<Activity>
{
    /// <summary>Forgets the header <c>tracestate</c> at once: links and spans below take it from a span that still runs.</summary>
    public override void OnStart(Activity data) => RemoveTraceState(data);

    /// <inheritdoc />
    public override void OnEnd(Activity data)
    {
        List<string>? refused = null;
        foreach (var (name, _) in data.EnumerateTagObjects())
        {
            if (!AllowedAttributes.OfMetricsAndSpans.Contains(name))
            {
                (refused ??= []).Add(name);
            }
        }

        refused?.ForEach(name => data.SetTag(name, null));

        // Drivers put the message of an exception here.
        if (data.StatusDescription is not null)
        {
            data.SetStatus(data.Status);
        }

        RemoveTraceState(data);
        data.DisplayName = NameOf(data);
    }

    // Free text of the caller. Empty and not null: null stands for that of the parent.
    private static void RemoveTraceState(Activity span) => span.TraceStateString = "";

    /// <summary>The name for a span. Names that a library made may contain a path or a statement.</summary>
    private static string NameOf(Activity span) => span switch
    {
        { Source.Name: Instruments.Name } => span.OperationName,
        { Kind: ActivityKind.Server } => $"{span.GetTagItem("http.request.method") ?? "HTTP"} {span.GetTagItem("http.route") ?? "no route"}",
        _ when (span.GetTagItem("db.system.name") ?? span.GetTagItem("db.system")) is { } database => $"{database}",
        _ => $"{span.GetTagItem("http.request.method") ?? span.Source.Name}",
    };
}
