using Microsoft.Extensions.Hosting;
using Secrets.Application.Audit;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

/// <summary>
/// Writes an audit row per refused request within the caller's budget, and counts the rest. Stores the counts every minute and at a clean stop.
/// A killed process loses the counts of its last minute.
/// </summary>
internal sealed partial class DenialLog(
    IAuditLog audit, TimeProvider time, IOptions<AuditOptions> options, IDatabaseFaults faults, ILogger<DenialLog> logger) : BackgroundService, IDenialLog
{
    // Callers with a budget of their own. Further callers have no budget; denials that are counted without a row share one count for all of them.
    private const int Capacity = 50_000;

    // Rows per write.
    private const int BatchSize = 500;

    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly DenialBudget _budget = new(options.Value.DenialsPerMinute, Capacity, time);
    private OmittedDenials _leftOut = new(Capacity);

    public async Task WriteAsync(RefusedCaller caller, AuditEvent denial, Preconditions preconditions)
    {
        lock (_lock)
        {
            if (_budget.TakeOrGetWait(caller) is { } wait)
            {
                _leftOut.Add(OmittedDenial.FromDenial(caller, denial), count: 1);
                throw new TooManyDenialsException(wait);
            }
        }

        // Write the row even if the caller has disconnected: the request was refused.
        await faults.TranslateAsync(() => audit.AppendAsync([denial], preconditions, CancellationToken.None), CancellationToken.None);
    }

    public void LeaveOut(RefusedCaller caller, AuditEvent denial)
    {
        lock (_lock)
        {
            _leftOut.Add(OmittedDenial.FromDenial(caller, denial), count: 1);
        }
    }

    /// <summary>Stores the counts of denials without a row since the last call. A failed write keeps its counts for the next call.</summary>
    public async Task WriteLeftOutAsync(CancellationToken cancellationToken)
    {
        List<KeyValuePair<OmittedDenial, int>> counts;
        lock (_lock)
        {
            counts = _leftOut.ToList();
            _leftOut = new OmittedDenials(Capacity);
        }

        var written = 0;
        try
        {
            foreach (var batch in counts.Chunk(BatchSize))
            {
                await audit.AppendAsync([.. batch.Select(pair => pair.Key.ToEvent(pair.Value, time.GetUtcNow()))], cancellationToken);
                written += batch.Length;
            }
        }
        catch (Exception exception)
        {
            // If the batch was committed and only the response was lost, its denials count twice.
            Failed(exception.GetType().Name);
            lock (_lock)
            {
                counts.Skip(written).ToList().ForEach(pair => _leftOut.Add(pair.Key, pair.Value));
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await WriteLeftOutAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await WriteLeftOutAsync(stoppingToken);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The counts of denials without a row could not be written. The service retries in a minute: {Failure}")]
    private partial void Failed(string failure);
}
