namespace Secrets.TestKit.History;

/// <summary>
/// Decides whether a history can be explained: whether each operation may have taken effect at one moment between its start and its
/// end, so that every read gives what was written last before it. That is more than "no old value after an acknowledged write" and
/// "what is read never goes back": both follow, and so does that no write is lost and nothing deleted comes back.
/// </summary>
public static class HistoryChecker
{
    /// <summary>The first operation, in order of the ends, up to which a key's history has no explanation; null: all has one.</summary>
    /// <exception cref="InvalidOperationException">Of one key, more than 64 operations are open at the same time, lost writes included.</exception>
    public static Operation? FirstWrong(IEnumerable<Operation> history) =>
        history.GroupBy(operation => operation.Key, StringComparer.Ordinal).Select(FirstWrongOfKey).FirstOrDefault(wrong => wrong is not null);

    private static Operation? FirstWrongOfKey(IEnumerable<Operation> history)
    {
        var key = new KeyHistory();
        foreach (var (operation, isEnd) in EventsOf([.. history]))
        {
            if (!isEnd)
            {
                key.Start(operation);
            }
            else if (!key.End(operation))
            {
                return operation;
            }
        }

        return null;
    }

    /// <summary>Starts and ends in their order. Where they fall together, the starts come first: the operations may have overlapped.</summary>
    private static IEnumerable<(Operation Operation, bool IsEnd)> EventsOf(List<Operation> operations)
    {
        // A write that perhaps happened and that nobody saw explains nothing.
        var seen = operations.Where(operation => operation.Kind == OperationKind.Read).Select(read => read.Value).ToHashSet(StringComparer.Ordinal);
        var ended = operations.Where(operation => operation.End is not null);
        var lost = operations.Where(operation => operation is { End: null, Kind: OperationKind.Write } && seen.Contains(operation.Value));
        return ended.Concat(lost).Select(operation => (At: operation.Start, Operation: operation, IsEnd: false))
            .Concat(ended.Select(operation => (At: operation.End!.Value, Operation: operation, IsEnd: true)))
            .OrderBy(one => one.At)
            .ThenBy(one => one.IsEnd)
            .Select(one => (one.Operation, one.IsEnd));
    }

    /// <summary>
    /// All that may be the case with one key, given the events so far. Writes take effect as late as they can: only when an operation
    /// ends, for then it must have had its effect. Reads take theirs as soon as they can, which rules nothing out.
    /// </summary>
    private sealed class KeyHistory
    {
        private readonly List<Operation?> _open = [];
        private HashSet<World> _worlds = [new World(null, 0)];

        public void Start(Operation operation)
        {
            var free = _open.IndexOf(null);
            if (free >= 0)
            {
                _open[free] = operation;
            }
            else if (_open.Count < 64)
            {
                _open.Add(operation);
            }
            else
            {
                throw new InvalidOperationException($"Too many operations are open: {operation}");
            }

            _worlds = [.. _worlds.Select(ReadIn)];
        }

        /// <summary>False: in no world did the operation have its effect.</summary>
        public bool End(Operation operation)
        {
            var at = _open.IndexOf(operation);
            WriteAll();
            _worlds = [.. _worlds.Where(world => world.IsDone(at)).Select(world => world with { Done = world.Done & ~(1UL << at) })];
            _open[at] = null;
            KeepTheBest();
            return _worlds.Count > 0;
        }

        /// <summary>Adds the worlds that come about when open writes take effect, in any number and order.</summary>
        private void WriteAll()
        {
            var fresh = new Queue<World>(_worlds);
            while (fresh.TryDequeue(out var world))
            {
                for (var at = 0; at < _open.Count; at++)
                {
                    if (_open[at] is not { Kind: OperationKind.Write } write || world.IsDone(at))
                    {
                        continue;
                    }

                    // A write that perhaps never happens does so only for somebody who reads it.
                    var written = new World(write.Value, world.Done | (1UL << at));
                    var next = ReadIn(written);
                    if ((write.End is not null || next != written) && _worlds.Add(next))
                    {
                        fresh.Enqueue(next);
                    }
                }
            }
        }

        /// <summary>Lets go of worlds in which less is possible than in another, or time and memory would grow with every lost answer.</summary>
        private void KeepTheBest()
        {
            var reads = MaskOf(operation => operation.Kind == OperationKind.Read);
            var lost = MaskOf(operation => operation.End is null);
            _worlds = [.. _worlds.Where(world => !_worlds.Any(other => other != world && IsAsGood(other, world)))];

            // The same value, the same writes done that must be, at least the same reads, and as many lost writes left.
            bool IsAsGood(World one, World other) =>
                string.Equals(one.Value, other.Value, StringComparison.Ordinal)
                && ((one.Done ^ other.Done) & ~reads & ~lost) == 0
                && (other.Done & ~one.Done & reads) == 0
                && (one.Done & ~other.Done & lost) == 0;
        }

        /// <summary>The world in which all open reads that can have had their effect.</summary>
        private World ReadIn(World world) => world with
        {
            Done = world.Done | MaskOf(operation =>
                operation.Kind == OperationKind.Read && string.Equals(operation.Value, world.Value, StringComparison.Ordinal)),
        };

        private ulong MaskOf(Predicate<Operation> condition)
        {
            var mask = 0UL;
            for (var at = 0; at < _open.Count; at++)
            {
                mask |= _open[at] is { } operation && condition(operation) ? 1UL << at : 0;
            }

            return mask;
        }
    }

    /// <summary>One of the things that may be the case.</summary>
    /// <param name="Value">What the key has.</param>
    /// <param name="Done">Those of the open operations that had their effect, one bit each.</param>
    private readonly record struct World(string? Value, ulong Done)
    {
        public bool IsDone(int at) => (Done & (1UL << at)) != 0;
    }
}
