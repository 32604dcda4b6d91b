using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Secrets.Application.Audit;
using Secrets.Application.Common;
using Secrets.Domain.Audit;

namespace Secrets.Infrastructure.Audit;

/// <summary>
/// Writes refusals, and once a minute and at a clean stop how many were left out. What a killed process had counted is lost.
/// </summary>
internal sealed partial class DenialLog(IAuditLog audit, TimeProvider time, IOptions<AuditOptions> options, ILogger<DenialLog> logger) : BackgroundService, IDenialLog
{
    // Callers that are told apart. Beyond them every refusal has its row, and those without one share a count: memory stays bounded.
    private const int Capacity = 50_000;

    // Rows of one write.
    private const int BatchSize = 500;

    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly DenialBudget _budget = new(options.Value.DenialsPerMinute, Capacity, time);
    private OmittedDenials _leftOut = new(Capacity);

    public async Task WriteAsync(RefusedCaller caller, AuditEvent denial, Preconditions preconditions)
    {
        lock (_lock)
        {
            if (_budget.TryTake(caller) is { } wait)
            {
                _leftOut.Add(OmittedDenial.FromDenial(caller, denial), count: 1);
                throw new TooManyDenialsException(wait);
            }
        }

        // Whoever is refused and hangs up was refused all the same.
        await audit.AppendAsync([denial], preconditions, CancellationToken.None);
    }

    public void LeaveOut(RefusedCaller caller, AuditEvent denial)
    {
        lock (_lock)
        {
            _leftOut.Add(OmittedDenial.FromDenial(caller, denial), count: 1);
        }
    }

    /// <summary>Writes how many refusals were left out since the last time. What cannot be written is kept for the next.</summary>
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
            // A batch that was written all the same, because only the answer was lost, counts twice.
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "The numbers of refusals without a row could not be written. They are kept for the next time: {Failure}")]
    private partial void Failed(string failure);
}
