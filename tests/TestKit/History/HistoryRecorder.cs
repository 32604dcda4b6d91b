using System.Collections.Concurrent;
using System.Diagnostics;

namespace Secrets.TestKit.History;

/// <summary>Records the operations of concurrent clients on one clock.</summary>
public sealed class HistoryRecorder
{
    private readonly ConcurrentQueue<Operation> _operations = new();

    /// <summary>All recorded operations.</summary>
    public IReadOnlyCollection<Operation> Operations => _operations;

    /// <summary>The time. Read it before a request is sent and after its response was read.</summary>
    public static long Now => Stopwatch.GetTimestamp();

    public void Add(Operation operation) => _operations.Enqueue(operation);

    /// <summary>Null: the history is linearizable. Otherwise the first inexplicable operation, after the operations on its key just before.</summary>
    public string? Contradiction()
    {
        const int Shown = 30;
        var all = _operations.ToList();
        if (HistoryChecker.FirstWrong(all) is not { } wrong)
        {
            return null;
        }

        var before = all.Where(operation => operation.Key == wrong.Key && operation.Start <= wrong.End && operation != wrong)
            .OrderBy(operation => operation.End ?? operation.Start).TakeLast(Shown);
        return string.Join('\n', [.. before, (object)"has no explanation:", wrong]);
    }
}
