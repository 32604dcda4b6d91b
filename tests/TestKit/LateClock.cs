namespace Secrets.TestKit;

/// <summary>The machine's clock, and as much later as a test has moved it.</summary>
public sealed class LateClock : TimeProvider
{
    private long _later;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Volatile.Read(ref _later));

    public override long GetTimestamp() => GetUtcNow().Ticks;

    public void MoveOn(TimeSpan time) => Interlocked.Add(ref _later, time.Ticks);
}
