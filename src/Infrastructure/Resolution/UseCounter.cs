using Microsoft.Extensions.Hosting;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Resolution;

/// <summary>
/// Counts released values in memory, and stores the counts every few seconds: a write per resolve would cost as much as its audit rows. A killed process loses
/// counts that are not stored yet; the audit still has every release.
/// </summary>
internal sealed partial class UseCounter(IDbContextFactory<SecretsDbContext> contexts, IUseStore store, TimeProvider time, ILogger<UseCounter> logger)
    : BackgroundService
{
    // Secrets per statement.
    private const int BatchSize = 1_000;

    // Secrets with a pending count. If writes fail for long, further secrets are not counted.
    private const int Capacity = 200_000;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private Dictionary<Guid, SecretUses> _pending = [];

    /// <summary>Counts the releases among stored audit rows, for AuditLog. Other actions, such as explain, are not counted.</summary>
    public void Count(IEnumerable<AuditEntry> entries)
    {
        lock (_lock)
        {
            foreach (var entry in entries)
            {
                if (entry is { Action: AuditAction.SecretResolve, Outcome: AuditOutcome.Success, SecretId: { } id })
                {
                    Add(new SecretUses(id, 1, entry.At));
                }
            }
        }
    }

    public async Task StoreAsync(CancellationToken cancellationToken)
    {
        Dictionary<Guid, SecretUses> counted;
        lock (_lock)
        {
            (counted, _pending) = (_pending, []);
        }

        foreach (var batch in counted.Values.Chunk(BatchSize))
        {
            try
            {
                await using var db = await contexts.CreateDbContextAsync(cancellationToken);
                await store.AddAsync(db, batch, cancellationToken);
            }
            catch (Exception exception) when (!exception.IsCancelledBy(cancellationToken))
            {
                // Keep the batch for the next run. If the batch was stored and only the response was lost, its uses are counted twice; the audit is exact.
                Failed(Interval.TotalSeconds, exception.GetType().Name);
                lock (_lock)
                {
                    Array.ForEach(batch, Add);
                }
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await StoreAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            // No cancellation: it would lose counts that were taken from memory and not stored.
            await StoreAsync(CancellationToken.None);
        }
    }

    private void Add(SecretUses uses)
    {
        if (_pending.TryGetValue(uses.SecretId, out var before))
        {
            _pending[uses.SecretId] = new SecretUses(uses.SecretId, before.Count + uses.Count, before.LastAt > uses.LastAt ? before.LastAt : uses.LastAt);
        }
        else if (_pending.Count < Capacity)
        {
            _pending.Add(uses.SecretId, uses);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The use counts of secrets could not be stored. The service retries in {Seconds} seconds: {Failure}")]
    private partial void Failed(double seconds, string failure);
}
