namespace Secrets.Application.Common;

internal static class Clock
{
    /// <summary>The current time in whole microseconds. Databases store microseconds. A finer time in a response would differ from the stored row.</summary>
    public static DateTimeOffset Now(this TimeProvider time)
    {
        var now = time.GetUtcNow();
        return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
    }
}
