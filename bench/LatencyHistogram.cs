using System.Diagnostics;
using System.Numerics;

namespace Secrets.Bench;

/// <summary>Durations in buckets of 1/64 of their size. Memory is bounded; percentiles are exact to 1.6 %.</summary>
internal sealed class LatencyHistogram
{
    private const int Precision = 6;
    private const int Steps = 1 << Precision;

    private readonly long[] _counts = new long[Steps * (64 - Precision)];

    public long Count { get; private set; }

    public void Record(long stopwatchTicks)
    {
        var microseconds = (ulong)Math.Max(0, stopwatchTicks * 1_000_000 / Stopwatch.Frequency);
        _counts[BucketOf(microseconds)]++;
        Count++;
    }

    public void Add(LatencyHistogram other)
    {
        for (var at = 0; at < _counts.Length; at++) _counts[at] += other._counts[at];
        Count += other.Count;
    }

    /// <summary>The duration that a share of all durations does not exceed, in milliseconds.</summary>
    public double Percentile(double share)
    {
        var rank = (long)Math.Ceiling(share * Count);
        for (var at = 0; at < _counts.Length; at++)
        {
            rank -= _counts[at];
            if (rank <= 0) return UpperEdgeOf(at) / 1000.0;
        }

        return 0;
    }

    private static int BucketOf(ulong value)
    {
        if (value < Steps) return (int)value;
        var shift = BitOperations.Log2(value) - Precision;
        return ((shift + 1) << Precision) + (int)((value >> shift) - Steps);
    }

    private static double UpperEdgeOf(int bucket)
    {
        if (bucket < Steps) return bucket;
        var shift = (bucket >> Precision) - 1;
        return Math.ScaleB(Steps + (bucket & (Steps - 1)) + 1, shift) - 1;
    }
}
