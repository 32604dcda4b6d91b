using System.Threading.Channels;
using Secrets.Application.Common;

namespace Secrets.Infrastructure.Batching;

/// <summary>How a <see cref="Batcher{TItem,TResult}"/> works.</summary>
/// <param name="MaxBatch">Items of a batch, at most.</param>
/// <param name="Workers">Batches under way at the same time.</param>
/// <param name="Capacity">Items that may wait; one more is refused.</param>
internal sealed record BatchLimits(int MaxBatch, int Workers, int Capacity)
{
    /// <summary>For reads: one query at a time, and the largest batches.</summary>
    public static readonly BatchLimits ForReads = new(MaxBatch: 200, Workers: 1, Capacity: 10_000) { CanAbandon = true };

    /// <summary>How long a batch waits for more items once there is one.</summary>
    public TimeSpan Wait { get; init; }

    /// <summary>Whether who gives up may go at once, because nothing depends on what becomes of a batch that has begun.</summary>
    public bool CanAbandon { get; init; }
}

/// <summary>
/// Does for many what costs about the same as for one. While a batch is under way the next one gathers, so nothing waits for company when
/// there is none, and the busier it gets the larger the batches. A batch starts after all of its items were added: what it reads is
/// never older than the question.
/// </summary>
internal sealed class Batcher<TItem, TResult> : IAsyncDisposable
{
    private readonly BatchLimits _limits;
    private readonly Func<IReadOnlyList<TItem>, Task<IReadOnlyList<TResult>>> _run;
    private readonly Channel<Entry> _waiting;
    private readonly SemaphoreSlim _gathering = new(1);
    private readonly Task _workers;

    /// <summary>Starts the workers.</summary>
    /// <param name="limits">How much, and how much at once.</param>
    /// <param name="run">Answers a batch: one result for each item, in the same order.</param>
    public Batcher(BatchLimits limits, Func<IReadOnlyList<TItem>, Task<IReadOnlyList<TResult>>> run)
    {
        _limits = limits;
        _run = run;
        _waiting = Channel.CreateBounded<Entry>(limits.Capacity);

        // Without the flow of whoever asks first: the workers outlive every request.
        using (ExecutionContext.SuppressFlow())
        {
            _workers = Task.WhenAll(Enumerable.Range(0, limits.Workers).Select(_ => Task.Run(WorkAsync)));
        }
    }

    /// <summary>
    /// The result for one item. A cancelled item is left out while it waits; once its batch has begun, the result is awaited, because
    /// what was done cannot be undone. Unless <see cref="BatchLimits.CanAbandon"/>: then nobody waits longer than they want to.
    /// </summary>
    /// <exception cref="UnavailableException">Too many are waiting, or the service stops.</exception>
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
        while (await GatherAsync() is { } batch)
        {
            // Those who waited go on together on one thread, which the pool picks, and meet again in the next batch that they need. Woken one by one they
            // would drift apart, and every batch be smaller. This worker waits for none of them.
            ThreadPool.UnsafeQueueUserWorkItem(Answer, (batch, await RunAsync(batch)), preferLocal: false);
        }
    }

    /// <summary>The next batch; null when there will be none.</summary>
    private async Task<List<Entry>?> GatherAsync()
    {
        // One worker at a time, or each item would wake them all.
        await _gathering.WaitAsync();
        try
        {
            while (await _waiting.Reader.WaitToReadAsync())
            {
                // To the end of the line: whatever can run now may add to the batch first. On a machine with time to spare that is nothing.
                await Task.Yield();
                if (_limits.Wait > TimeSpan.Zero && _waiting.Reader.Count < _limits.MaxBatch)
                {
                    await Task.Delay(_limits.Wait);
                }

                if (Take() is { Count: > 0 } batch)
                {
                    return batch;
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

    private async Task<Outcome> RunAsync(List<Entry> batch)
    {
        try
        {
            var results = await _run(batch.ConvertAll(entry => entry.Item));
            return results.Count == batch.Count
                ? new Outcome(results, Failure: null)
                : throw new InvalidOperationException($"A batch of {batch.Count} has {results.Count} results.");
        }
#pragma warning disable CA1031 // Whatever it is, it belongs to those who wait, and the worker goes on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return new Outcome([], exception);
        }
    }

    private static void Answer((List<Entry> Batch, Outcome Outcome) answered)
    {
        var (batch, outcome) = answered;
        for (var at = 0; at < batch.Count; at++)
        {
            if (outcome.Failure is { } failure)
            {
                batch[at].SetException(failure);

                // Looked at here, because whoever left does not: it would be reported as a failure that nobody cared for.
                _ = batch[at].Task.Exception;
            }
            else
            {
                batch[at].SetResult(outcome.Results[at]);
            }
        }
    }

    private readonly record struct Outcome(IReadOnlyList<TResult> Results, Exception? Failure);

    private sealed class Entry(TItem item, CancellationToken cancellation) : TaskCompletionSource<TResult>
    {
        public TItem Item => item;

        public CancellationToken Cancellation => cancellation;
    }
}
