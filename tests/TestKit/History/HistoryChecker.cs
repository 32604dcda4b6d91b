namespace Secrets.TestKit.History;

/// <summary>
/// Checks whether a history is linearizable: each operation may have taken effect at one moment between its start and its end, and every read returns the
/// last write before it. This implies four promises: no old value after an acknowledged write, no read goes back, no write is lost, and nothing deleted
/// comes back.
/// </summary>
public static class HistoryChecker
{
    /// <summary>The first operation, in the order of ends, at which the history of a key becomes inexplicable; null: the history is linearizable.</summary>
    /// <exception cref="InvalidOperationException">More than 64 operations on one key are open at the same time, lost writes included.</exception>
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

    /// <summary>Starts and ends in order of time. At equal times starts come first, because the operations may have overlapped.</summary>
    private static IEnumerable<(Operation Operation, bool IsEnd)> EventsOf(List<Operation> operations)
    {
        // A lost write that no read returned explains nothing.
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
    /// All possible states of one key after the events so far. Writes take effect as late as possible: only when an operation ends, because then it must have
    /// taken effect. Reads take effect as early as possible, which excludes no explanation.
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

        /// <summary>False: in no possible state has the operation taken effect.</summary>
        public bool End(Operation operation)
        {
            var at = _open.IndexOf(operation);
            WriteAll();
            _worlds = [.. _worlds.Where(world => world.IsDone(at)).Select(world => world with { Done = world.Done & ~(1UL << at) })];
            _open[at] = null;
            KeepTheBest();
            return _worlds.Count > 0;
        }

        /// <summary>Adds the states in which open writes take effect, in any number and order.</summary>
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

                    // A lost write needs to take effect only if a read returns its value.
                    var written = new World(write.Value, world.Done | (1UL << at));
                    var next = ReadIn(written);
                    if ((write.End is not null || next != written) && _worlds.Add(next))
                    {
                        fresh.Enqueue(next);
                    }
                }
            }
        }

        /// <summary>Removes states that allow no more than another state. Otherwise time and memory would grow with every lost response.</summary>
        private void KeepTheBest()
        {
            var reads = MaskOf(operation => operation.Kind == OperationKind.Read);
            var lost = MaskOf(operation => operation.End is null);
            _worlds = [.. _worlds.Where(world => !_worlds.Any(other => other != world && IsAsGood(other, world)))];

            // The other state has the same value and the same required writes, at least the same reads, and as many lost writes left.
            bool IsAsGood(World one, World other) =>
                string.Equals(one.Value, other.Value, StringComparison.Ordinal)
                && ((one.Done ^ other.Done) & ~reads & ~lost) == 0
                && (other.Done & ~one.Done & reads) == 0
                && (one.Done & ~other.Done & lost) == 0;
        }

        /// <summary>The state after all open reads that match its value have taken effect.</summary>
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

    /// <summary>A possible state.</summary>
    /// <param name="Value">The value of the key.</param>
    /// <param name="Done">The open operations that have taken effect, one bit each.</param>
    private readonly record struct World(string? Value, ulong Done)
    {
        public bool IsDone(int at) => (Done & (1UL << at)) != 0;
    }
}
