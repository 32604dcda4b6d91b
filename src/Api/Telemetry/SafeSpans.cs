using System.Diagnostics;
using OpenTelemetry;

namespace Secrets.Api.Telemetry;

/// <summary>Removes all text from spans that a caller may have sent: attributes that are not allowed, descriptions of failures, and what came with a parent's id.</summary>
internal sealed class SafeSpans : BaseProcessor<Activity>
{
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

        // Free text from the header tracestate.
        data.TraceStateString = null;
        data.DisplayName = NameOf(data);
    }

    /// <summary>The name for a span. Names that a library made may contain a path or a statement.</summary>
    private static string NameOf(Activity span) => span switch
    {
        { Source.Name: Instruments.Name } => span.OperationName,
        { Kind: ActivityKind.Server } => $"{span.GetTagItem("http.request.method") ?? "HTTP"} {span.GetTagItem("http.route") ?? "no route"}",
        _ when (span.GetTagItem("db.system.name") ?? span.GetTagItem("db.system")) is { } database => $"{database}",
        _ => $"{span.GetTagItem("http.request.method") ?? span.Source.Name}",
    };
}
