using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Resolution;

/// <summary>
/// Counts in memory what is handed out, and stores the sums every few seconds: a write for each resolve would cost as much as the
/// audit. What a killed process had not stored is in the audit, and not in the counts.
/// </summary>
internal sealed partial class UseCounter(IDbContextFactory<SecretsDbContext> contexts, IUseStore store, TimeProvider time, ILogger<UseCounter> logger)
    : BackgroundService
{
    // Secrets of one statement.
    private const int BatchSize = 1_000;

    // Secrets that wait to be stored; when storing fails for long, those that come on top are not counted.
    private const int Capacity = 200_000;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private Dictionary<Guid, SecretUses> _pending = [];

    /// <summary>Takes note of what stands in the audit.</summary>
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

    /// <summary>Stores what was counted so far.</summary>
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
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                // Again with the next. What was stored all the same, because only the answer was lost or a part had failed, counts twice: the audit is the record.
                Failed(exception.GetType().Name);
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
            // Not to be cancelled: what was taken out of memory and not stored would be lost.
            await StoreAsync(CancellationToken.None);
        }
    }

    private void Add(SecretUses uses)
    {
        if (_pending.TryGetValue(uses.SecretId, out var before))
        {
            _pending[uses.SecretId] = new SecretUses(
                uses.SecretId, before.Count + uses.Count, before.LastAt > uses.LastAt ? before.LastAt : uses.LastAt);
        }
        else if (_pending.Count < Capacity)
        {
            _pending.Add(uses.SecretId, uses);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "What secrets were used could not be stored this time: {Failure}")]
    private partial void Failed(string failure);
}
