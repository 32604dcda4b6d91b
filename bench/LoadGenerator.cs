using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Secrets.Bench;

/// <summary>The result of one measurement.</summary>
/// <param name="Requests">The number of answered requests.</param>
/// <param name="Elapsed">The time from the first request to the last response.</param>
/// <param name="Latency">The latencies of all requests, as their connections saw them.</param>
/// <param name="Cost">The processor time of the measurement.</param>
internal sealed record Measurement(long Requests, TimeSpan Elapsed, LatencyHistogram Latency, ProcessorTime Cost)
{
    public double PerSecond => Requests / Elapsed.TotalSeconds;

    /// <summary>The totals of several measurements of the same kind.</summary>
    public static Measurement Of(IReadOnlyCollection<Measurement> all)
    {
        var latency = new LatencyHistogram();
        foreach (var one in all) latency.Add(one.Latency);
        return new Measurement(
            all.Sum(one => one.Requests),
            TimeSpan.FromTicks(all.Sum(one => one.Elapsed.Ticks)),
            latency,
            all.Aggregate(ProcessorTime.Zero, (sum, one) => sum + one.Cost));
    }
}

/// <summary>A process that answers HTTP.</summary>
internal interface ITarget
{
    int Port { get; }

    /// <summary>The last output of the process, for the message of a failure.</summary>
    string LastWords { get; }

    ProcessorTime ProcessorTime();
}

/// <summary>A closed loop: every connection sends its next request after the response to the previous one.</summary>
internal sealed class LoadGenerator(ITarget service, int connections)
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(60);

    /// <summary>Runs until the workload ends.</summary>
    public Task<Measurement> RunAsync(Workload workload, CancellationToken cancellationToken) =>
        RunAsync(workload, duration: null, cancellationToken);

    /// <summary>Runs for a duration, or until the workload ends. An unexpected response is an exception.</summary>
    public async Task<Measurement> RunAsync(Workload workload, TimeSpan? duration, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (duration is { } time) stop.CancelAfter(time + AnswerLimit);

        var open = new List<HttpConnection>();
        Task<LatencyHistogram>[] loops = [];
        try
        {
            for (var at = 0; at < connections; at++) open.Add(await HttpConnection.OpenAsync(service.Port, stop.Token));

            var before = service.ProcessorTime();
            var start = Stopwatch.GetTimestamp();
            var end = duration is { } limit ? start + (long)(limit.TotalSeconds * Stopwatch.Frequency) : long.MaxValue;
            loops = [.. open.Select((connection, index) =>
                Task.Run(() => LoopAsync(connection, workload, (uint)index, end, stop), stop.Token))];
            await Task.WhenAll(loops);
            var elapsed = Stopwatch.GetElapsedTime(start);
            var cost = service.ProcessorTime() - before;

            var all = new LatencyHistogram();
            foreach (var loop in loops) all.Add(await loop);
            return new Measurement(all.Count, elapsed, all, cost);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // One failed connection stops the others. Report the first failure.
            foreach (var failed in loops.Where(loop => loop.IsFaulted)) await failed;
            throw new BenchException($"The service did not answer a request within {AnswerLimit.TotalSeconds:0} s.{service.LastWords}");
        }
        catch (SocketException exception)
        {
            throw new BenchException($"The connection to the service failed: {exception.Message}.{service.LastWords}");
        }
        finally
        {
            foreach (var connection in open) connection.Dispose();
        }
    }

    private async Task<LatencyHistogram> LoopAsync(
        HttpConnection connection, Workload workload, uint index, long end, CancellationTokenSource stop)
    {
        try
        {
            var latency = new LatencyHistogram();
            var random = (0x9E3779B9u * (index + 1)) ^ (uint)Stopwatch.GetTimestamp();
            for (var now = Stopwatch.GetTimestamp(); now < end;)
            {
                random ^= random << 13;
                random ^= random >> 17;
                random ^= random << 5;
                var length = workload.Next(connection.Request, random);
                if (length == 0) break;

                var sent = Stopwatch.GetTimestamp();
                var (status, body) = await connection.SendAsync(length, stop.Token);
                now = Stopwatch.GetTimestamp();
                if (status != workload.Status)
                {
                    throw new BenchException(
                        $"A request was answered with {status}: {Encoding.UTF8.GetString(body.Span)}");
                }

                latency.Record(now - sent);
                workload.Take(body.Span);
            }

            return latency;
        }
        catch (Exception exception) when (exception is BenchException or SocketException)
        {
            await stop.CancelAsync();
            throw new BenchException(exception.Message + service.LastWords);
        }
    }
}
