namespace Secrets.Application.Common;

internal static class Clock
{
    /// <summary>The current time in whole microseconds. Databases store no finer time, so answers equal the stored rows.</summary>
    public static DateTimeOffset Now(this TimeProvider time)
    {
        var now = time.GetUtcNow();
        return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
    }
}
