using System.Diagnostics;
using System.Threading.Channels;

namespace Secrets.Infrastructure.Batching;

/// <summary>The limits of a <see cref="Batcher{TItem,TResult}"/>.</summary>
/// <param name="MaxBatch">The most items per batch.</param>
/// <param name="Workers">Batches that run concurrently.</param>
/// <param name="Capacity">Items that may wait. Further items are refused.</param>
internal sealed record BatchLimits(int MaxBatch, int Workers, int Capacity)
{
    /// <summary>For reads: one query at a time, large batches.</summary>
    public static readonly BatchLimits ForReads = new(MaxBatch: 200, Workers: 1, Capacity: 10_000) { CanAbandon = true };

    /// <summary>The name of the batches in metrics and traces.</summary>
    public string Name { get; init; } = "other";

    /// <summary>How long a batch waits for more items after its first one.</summary>
    public TimeSpan Wait { get; init; }

    /// <summary>Whether a cancelled caller may stop waiting for a running batch. Reads only.</summary>
    public bool CanAbandon { get; init; }
}

/// <summary>
/// Collects concurrent requests into batches, where a batch costs about as much as a single request. The next batch collects while the previous one runs,
/// so an idle service adds no delay, and batches grow with load. A batch starts after all of its items were added, so it reads no state older than a request.
/// </summary>
internal sealed class Batcher<TItem, TResult> : IAsyncDisposable
{
    // Further requests of a batch are traced without a link.
    private const int MaxLinks = 100;

    // One large batch costs less than two small ones. So a second batch runs beside the first only if that one takes longer than this, for example because
    // its connection is stuck (docs/decisions/0017-batches-have-their-own-connections.md). A shorter time would wake the runtime's timer thread more often.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    private readonly BatchLimits _limits;
    private readonly Func<IReadOnlyList<TItem>, Task<IReadOnlyList<TResult>>> _run;
    private readonly Channel<Entry> _waiting;
    private readonly SemaphoreSlim _gathering = new(1);
    private readonly Task _workers;

    // The batch that was started last. Guarded by _gathering.
    private Task _latest = Task.CompletedTask;

    /// <summary>Starts the workers. <paramref name="run"/> processes a batch and returns one result per item, in the same order.</summary>
    public Batcher(BatchLimits limits, Func<IReadOnlyList<TItem>, Task<IReadOnlyList<TResult>>> run)
    {
        _limits = limits;
        _run = run;
        _waiting = Channel.CreateBounded<Entry>(limits.Capacity);
        var queue = _waiting.Reader;
        BatchMetrics.Watch(this, limits.Name, () => queue.Count);

        // The workers outlive the first request, so they must not inherit its execution context.
        using (ExecutionContext.SuppressFlow())
        {
            _workers = Task.WhenAll(Enumerable.Range(0, limits.Workers).Select(_ => Task.Run(WorkAsync)));
        }
    }

    /// <summary>
    /// Adds an item and waits for its result. Cancellation removes an item that still waits. Once the batch runs, the caller waits for the result, because a
    /// write cannot be undone; with <see cref="BatchLimits.CanAbandon"/> the caller stops waiting.
    /// </summary>
    /// <exception cref="UnavailableException">The queue is full, or the service stops.</exception>
    public Task<TResult> AddAsync(TItem item, CancellationToken cancellationToken)
    {
        var entry = new Entry(item, cancellationToken);
        if (!_waiting.Writer.TryWrite(entry))
        {
            return Task.FromException<TResult>(new UnavailableException());
        }

        return _limits.CanAbandon ? entry.Task.WaitAsync(cancellationToken) : entry.Task;
    }

    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _workers;
        _gathering.Dispose();
    }

    private async Task WorkAsync()
    {
        while (await StartNextAsync() is { } running)
        {
            // Resume all callers of a batch on one pool thread. They then reach the next batch together; woken one by one they would drift apart, and batches
            // would be smaller. The worker does not wait for the callers.
            ThreadPool.UnsafeQueueUserWorkItem(Answer, await running, preferLocal: false);
        }
    }

    /// <summary>Collects the next batch and starts it. Returns the running batch; null once the batcher is disposed.</summary>
    private async Task<Task<Finished>?> StartNextAsync()
    {
        // One worker collects at a time. Otherwise each item would wake all workers.
        await _gathering.WaitAsync();
        try
        {
            while (await _waiting.Reader.WaitToReadAsync())
            {
                if (!_latest.IsCompleted && _waiting.Reader.Count < _limits.MaxBatch)
                {
                    // Stops its timer once the batch is done. A timer left running would wake a thread for each batch.
                    await _latest.WaitAsync(Patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }

                // Yield, so that requests that are ready to run join this batch. On an idle machine this costs nothing.
                await Task.Yield();
                if (_limits.Wait > TimeSpan.Zero && _waiting.Reader.Count < _limits.MaxBatch)
                {
                    await Task.Delay(_limits.Wait);
                }

                if (Take() is { Count: > 0 } batch)
                {
                    var running = RunAsync(batch);
                    _latest = running;
                    return running;
                }
            }

            return null;
        }
        finally
        {
            _gathering.Release();
        }
    }

    private List<Entry> Take()
    {
        var batch = new List<Entry>();
        while (batch.Count < _limits.MaxBatch && _waiting.Reader.TryRead(out var entry))
        {
            if (entry.Cancellation.IsCancellationRequested)
            {
                ThreadPool.UnsafeQueueUserWorkItem(static entry => entry.SetCanceled(entry.Cancellation), entry, preferLocal: false);
            }
            else
            {
                batch.Add(entry);
            }
        }

        return batch;
    }

    private async Task<Finished> RunAsync(List<Entry> batch)
    {
        BatchMetrics.Record(_limits.Name, batch.Count);
        using var span = Trace(batch);
        try
        {
            var results = await _run(batch.ConvertAll(entry => entry.Item));
            return results.Count == batch.Count
                ? new Finished(batch, results, Failure: null)
                : throw new InvalidOperationException($"A batch of {batch.Count} has {results.Count} results.");
        }
#pragma warning disable CA1031 // Every exception goes to the callers. The worker continues.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return new Finished(batch, [], exception);
        }
    }

    /// <summary>A span for the batch, below the first request that is traced. It links to the other requests.</summary>
    private Activity? Trace(List<Entry> batch)
    {
        if (!Instruments.Source.HasListeners() || batch.Find(entry => entry.Span is not null)?.Span is not { } parent)
        {
            return null;
        }

        var others = batch.Where(entry => entry.Span is not null && entry.Span != parent).Take(MaxLinks).Select(entry => new ActivityLink(entry.Span!.Context));
        return Instruments.Source.StartActivity($"batch {_limits.Name}", ActivityKind.Internal, parent.Context, links: others);
    }

    private static void Answer(Finished finished)
    {
        var (batch, results, failure) = finished;
        for (var at = 0; at < batch.Count; at++)
        {
            if (failure is not null)
            {
                batch[at].SetException(failure);

                // Observe the exception here. A caller that left would never observe it, and the runtime would report it as unobserved.
                _ = batch[at].Task.Exception;
            }
            else
            {
                batch[at].SetResult(results[at]);
            }
        }
    }

    private readonly record struct Finished(List<Entry> Batch, IReadOnlyList<TResult> Results, Exception? Failure);

    private sealed class Entry(TItem item, CancellationToken cancellation) : TaskCompletionSource<TResult>
    {
        public TItem Item => item;

        public CancellationToken Cancellation => cancellation;

        /// <summary>The span of the request; null: it is not traced.</summary>
        public Activity? Span { get; } = Instruments.Source.HasListeners() && Activity.Current is { Recorded: true } span ? span : null;
    }
}
