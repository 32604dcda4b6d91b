namespace Secrets.Infrastructure.Batching;

/// <summary>How the writes of many requests share a transaction. In this folder, because Persistence sizes its pools by it.</summary>
internal sealed class GroupCommitOptions
{
    public const string Section = "GroupCommit";
    public const int MaxBatchSize = 1_000;
    public const int MaxCommitters = 32;
    public const int MaxWaitMilliseconds = 1_000;

    /// <summary>The most requests per transaction.</summary>
    public int BatchSize { get; set; } = 200;

    /// <summary>Maximum number of concurrent transactions. A second one starts only if the first takes long, because small transactions cost more per request.</summary>
    public int Committers { get; set; } = 2;

    /// <summary>Milliseconds that a transaction waits for more requests. 0 suits a nearby database: requests during a transaction share the next.</summary>
    public int WaitMilliseconds { get; set; }

    /// <summary>Requests that may wait. Further requests are answered with 503.</summary>
    public int QueueLength { get; set; } = 10_000;

    public bool IsValid() =>
        BatchSize is >= 1 and <= MaxBatchSize
        && Committers is >= 1 and <= MaxCommitters
        && WaitMilliseconds is >= 0 and <= MaxWaitMilliseconds
        && QueueLength >= 1;

    /// <summary>The limits of batches with this name.</summary>
    public BatchLimits ToLimits(string name) => new(BatchSize, Committers, QueueLength) { Name = name, Wait = TimeSpan.FromMilliseconds(WaitMilliseconds) };
}
