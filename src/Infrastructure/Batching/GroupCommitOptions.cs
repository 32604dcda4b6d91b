namespace Secrets.Infrastructure.Batching;

/// <summary>How writes of many requests share a transaction.</summary>
internal sealed class GroupCommitOptions
{
    public const string Section = "GroupCommit";
    public const int MaxBatchSize = 1_000;
    public const int MaxCommitters = 32;
    public const int MaxWaitMilliseconds = 1_000;

    /// <summary>Requests of one transaction, at most.</summary>
    public int BatchSize { get; set; } = 200;

    /// <summary>Transactions under way at the same time: while one waits for the disk another gathers. More of them make each smaller.</summary>
    public int Committers { get; set; } = 2;

    /// <summary>
    /// How long a transaction waits for company, in milliseconds. 0 is right wherever the database is near: what arrives while one is under way
    /// shares the next anyhow.
    /// </summary>
    public int WaitMilliseconds { get; set; }

    /// <summary>Requests that may wait for their turn; one more is answered with 503.</summary>
    public int QueueLength { get; set; } = 10_000;

    /// <summary>Whether all of it is within what makes sense.</summary>
    public bool IsValid() =>
        BatchSize is >= 1 and <= MaxBatchSize
        && Committers is >= 1 and <= MaxCommitters
        && WaitMilliseconds is >= 0 and <= MaxWaitMilliseconds
        && QueueLength >= 1;

    public BatchLimits ToLimits() => new(BatchSize, Committers, QueueLength) { Wait = TimeSpan.FromMilliseconds(WaitMilliseconds) };
}
