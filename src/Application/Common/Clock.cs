namespace Secrets.Application.Common;

internal static class Clock
{
    /// <summary>Now, in the whole microseconds that every database keeps, so that what is answered is what is stored.</summary>
    public static DateTimeOffset Now(this TimeProvider time)
    {
        var now = time.GetUtcNow();
        return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
    }
}
