namespace Secrets.TestKit;

/// <summary>
/// The machine's clock plus the time that a test adds. The clock keeps running, which a server needs and FakeTimeProvider does not do.
/// </summary>
public sealed class LateClock : TimeProvider
{
    private long _later;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Volatile.Read(ref _later));

    public override long GetTimestamp() => GetUtcNow().Ticks;

    public void MoveOn(TimeSpan time) => Interlocked.Add(ref _later, time.Ticks);
}
