using OpenTelemetry;
using OpenTelemetry.Logs;

namespace Secrets.Api.Telemetry;

/// <summary>
/// Reduces log lines to the template of the message and the attributes that are allowed. Exceptions stay in the log of the process: their messages may repeat
/// a value.
/// </summary>
internal sealed class SafeLogs : BaseProcessor<LogRecord>
{
    /// <inheritdoc />
    public override void OnEnd(LogRecord data)
    {
        data.Exception = null;
        data.FormattedMessage = null;
        data.Attributes = data.Attributes?.Where(attribute => AllowedAttributes.OfLogs.Contains(attribute.Key)).ToList();
    }
}
