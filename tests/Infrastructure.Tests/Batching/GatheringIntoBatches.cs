using System.Collections.Concurrent;
using Secrets.Application.Common;
using Secrets.Infrastructure.Batching;

namespace Secrets.Infrastructure.Tests.Batching;

public sealed class GatheringIntoBatches
{
    private static readonly CancellationToken Never = CancellationToken.None;

    [Fact]
    public async Task Everybody_gets_their_own_answer_from_a_batch_that_began_after_the_question()
    {
        var clock = 0L;
        var largest = 0;
        await using var batcher = new Batcher<(int Number, long AskedAt), (int Number, bool InOrder)>(
            new BatchLimits(MaxBatch: 7, Workers: 3, Capacity: 10_000),
            async items =>
            {
                var began = Interlocked.Increment(ref clock);
                InterlockedMax(ref largest, items.Count);
                await Task.Yield();
                return [.. items.Select(item => (item.Number, item.AskedAt < began))];
            });

        var answers = await Task.WhenAll(Enumerable.Range(0, 5_000).Select(number =>
            Task.Run(() => batcher.AddAsync((number, Interlocked.Increment(ref clock)), Never))));

        Assert.Equal(Enumerable.Range(0, 5_000), answers.Select(answer => answer.Number));
        Assert.All(answers, answer => Assert.True(answer.InOrder));
        Assert.InRange(largest, 2, 7);
    }

    [Fact]
    public async Task What_comes_while_a_batch_is_under_way_shares_the_next()
    {
        using var door = new Door();
        await using var batcher = new Batcher<int, int>(new BatchLimits(MaxBatch: 100, Workers: 1, Capacity: 100), door.PassAsync);

        var first = batcher.AddAsync(0, Never);
        await door.WaitForAsync(batches: 1);
        var others = Enumerable.Range(1, 50).Select(number => batcher.AddAsync(number, Never)).ToList();
        door.Open();

        await Task.WhenAll([first, .. others]);
        Assert.Equal([1, 50], door.Sizes);
    }

    [Fact]
    public async Task A_second_worker_waits_for_a_batch_that_ends_soon()
    {
        var (sizes, runs, most) = (new ConcurrentQueue<int>(), 0, 0);
        await using var batcher = new Batcher<int, int>(
            new BatchLimits(MaxBatch: 100, Workers: 2, Capacity: 1_000),
            async items =>
            {
                InterlockedMax(ref most, Interlocked.Increment(ref runs));
                sizes.Enqueue(items.Count);
                await Task.Delay(1, Never);
                Interlocked.Decrement(ref runs);
                return items;
            });

        await Task.WhenAll(Enumerable.Range(0, 20).Select(async caller =>
        {
            for (var call = 0; call < 20; call++)
            {
                await batcher.AddAsync(caller, Never);
            }
        }));

        // A busy machine may stretch single batches beyond the wait.
        Assert.InRange(most, 1, 2);
        Assert.True(sizes.Count < 400 / 4, $"{sizes.Count} batches of {sizes.Average():0.0}");
    }

    [Fact]
    public async Task A_batch_that_is_stuck_does_not_hold_up_the_next()
    {
        using var door = new Door();
        await using var batcher = new Batcher<int, int>(
            new BatchLimits(MaxBatch: 100, Workers: 2, Capacity: 100),
            items => items.Contains(0) ? door.PassAsync(items) : Task.FromResult(items));
        var stuck = batcher.AddAsync(0, Never);
        await door.WaitForAsync(batches: 1);

        Assert.Equal(1, await batcher.AddAsync(1, Never).WaitAsync(TimeSpan.FromSeconds(30), Never));
        Assert.False(stuck.IsCompleted);
        door.Open();
        await stuck;
    }

    [Fact]
    public async Task A_batch_that_may_wait_waits_for_company()
    {
        using var door = new Door();
        door.Open();
        var limits = new BatchLimits(MaxBatch: 100, Workers: 4, Capacity: 100) { Wait = TimeSpan.FromSeconds(1) };
        await using var batcher = new Batcher<int, int>(limits, door.PassAsync);

        var first = batcher.AddAsync(0, Never);
        await Task.Delay(TimeSpan.FromMilliseconds(200), Never);
        await Task.WhenAll(first, batcher.AddAsync(1, Never));

        Assert.Equal([2], door.Sizes);
    }

    [Fact]
    public async Task More_than_may_wait_are_refused_and_those_that_wait_are_answered()
    {
        using var door = new Door();
        await using var batcher = new Batcher<int, int>(new BatchLimits(MaxBatch: 1, Workers: 1, Capacity: 3), door.PassAsync);
        var first = batcher.AddAsync(0, Never);
        await door.WaitForAsync(batches: 1);

        var waiting = Enumerable.Range(1, 3).Select(number => batcher.AddAsync(number, Never)).ToList();
        await Assert.ThrowsAsync<UnavailableException>(() => batcher.AddAsync(4, Never));
        door.Open();

        var answers = await Task.WhenAll([first, .. waiting]);
        Assert.Equal([0, 1, 2, 3], answers);
    }

    [Fact]
    public async Task Who_gives_up_while_waiting_is_left_out_and_who_gives_up_later_is_answered_all_the_same()
    {
        using var door = new Door();
        await using var batcher = new Batcher<int, int>(new BatchLimits(MaxBatch: 10, Workers: 1, Capacity: 10), door.PassAsync);
        using var later = new CancellationTokenSource();
        using var early = new CancellationTokenSource();
        var begun = batcher.AddAsync(1, later.Token);
        await door.WaitForAsync(batches: 1);
        var waiting = batcher.AddAsync(2, early.Token);
        await early.CancelAsync();
        await later.CancelAsync();
        door.Open();

        Assert.Equal(1, await begun);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal([1], door.Items);
    }

    [Fact]
    public async Task Who_gives_up_on_what_may_be_left_does_not_wait_for_its_end()
    {
        using var door = new Door();
        await using var batcher = new Batcher<int, int>(new BatchLimits(MaxBatch: 10, Workers: 1, Capacity: 10) { CanAbandon = true }, door.PassAsync);
        using var giveUp = new CancellationTokenSource();
        var begun = batcher.AddAsync(1, giveUp.Token);
        await door.WaitForAsync(batches: 1);
        var (left, stays) = (batcher.AddAsync(2, giveUp.Token), batcher.AddAsync(3, Never));

        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => begun.WaitAsync(TimeSpan.FromSeconds(30), Never));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left.WaitAsync(TimeSpan.FromSeconds(30), Never));
        door.Open();
        Assert.Equal(3, await stays);
        Assert.Equal([1, 3], door.Items);
    }

    [Fact]
    public async Task What_fails_after_everybody_left_is_nobodys_failure()
    {
        var unobserved = new ConcurrentQueue<Exception>();
        void Note(object? sender, UnobservedTaskExceptionEventArgs args) => unobserved.Enqueue(args.Exception.InnerException!);
        TaskScheduler.UnobservedTaskException += Note;
        try
        {
            await LeaveAsync();
            for (var at = 0; at < 10; at++)
            {
                // Results are still being delivered, and the runtime reports an unobserved exception only after a garbage collection.
                await Task.Delay(20, Never);
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= Note;
        }

        Assert.DoesNotContain(unobserved, exception => exception is TimeoutException);

        static async Task LeaveAsync()
        {
            using var door = new Door();
            await using var batcher = new Batcher<int, int>(
                new BatchLimits(MaxBatch: 10, Workers: 1, Capacity: 10) { CanAbandon = true },
                async items =>
                {
                    await door.PassAsync(items);
                    throw new TimeoutException();
                });
            using var giveUp = new CancellationTokenSource();
            var begun = batcher.AddAsync(1, giveUp.Token);
            await door.WaitForAsync(batches: 1);
            await giveUp.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => begun);
            door.Open();
        }
    }

    [Fact]
    public async Task A_batch_that_fails_fails_for_all_in_it_and_for_nobody_after()
    {
        using var door = new Door();
        await using var batcher = new Batcher<int, int>(
            new BatchLimits(MaxBatch: 2, Workers: 1, Capacity: 10),
            async items => items.Contains(13) ? throw new TimeoutException() : await door.PassAsync(items));
        var first = batcher.AddAsync(1, Never);
        await door.WaitForAsync(batches: 1);
        var unlucky = (Task<int>[])[batcher.AddAsync(13, Never), batcher.AddAsync(14, Never)];
        var next = batcher.AddAsync(15, Never);
        door.Open();

        foreach (var one in unlucky)
        {
            await Assert.ThrowsAsync<TimeoutException>(() => one);
        }

        var answers = await Task.WhenAll(first, next);
        Assert.Equal([1, 15], answers);
    }

    [Fact]
    public async Task An_end_finishes_what_waits_and_takes_nothing_more()
    {
        using var door = new Door();
        var batcher = new Batcher<int, int>(new BatchLimits(MaxBatch: 1, Workers: 1, Capacity: 10), door.PassAsync);
        var all = Enumerable.Range(0, 5).Select(number => batcher.AddAsync(number, Never)).ToList();
        await door.WaitForAsync(batches: 1);
        door.Open();

        await batcher.DisposeAsync();

        Assert.Equal(Enumerable.Range(0, 5), await Task.WhenAll(all));
        await Assert.ThrowsAsync<UnavailableException>(() => batcher.AddAsync(5, Never));
    }

    private static void InterlockedMax(ref int largest, int candidate)
    {
        for (var seen = Volatile.Read(ref largest); candidate > seen; seen = Volatile.Read(ref largest))
        {
            Interlocked.CompareExchange(ref largest, candidate, seen);
        }
    }

    /// <summary>Blocks batches until it is opened, and records them.</summary>
    private sealed class Door : IDisposable
    {
        private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly SemaphoreSlim _arrived = new(0);
        private readonly ConcurrentQueue<IReadOnlyList<int>> _batches = [];

        public IEnumerable<int> Sizes => _batches.Select(batch => batch.Count);

        public IEnumerable<int> Items => _batches.SelectMany(batch => batch);

        public void Dispose() => _arrived.Dispose();

        public void Open() => _open.SetResult();

        public async Task WaitForAsync(int batches)
        {
            for (var seen = 0; seen < batches; seen++)
            {
                Assert.True(await _arrived.WaitAsync(TimeSpan.FromSeconds(30), Never));
            }
        }

        public async Task<IReadOnlyList<int>> PassAsync(IReadOnlyList<int> items)
        {
            _batches.Enqueue(items);
            _arrived.Release();
            await _open.Task;
            return items;
        }
    }
}
