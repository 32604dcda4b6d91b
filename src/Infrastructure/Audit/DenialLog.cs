using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Secrets.Application.Common;
using Secrets.Domain.Audit;

namespace Secrets.Infrastructure.Audit;

/// <summary>
/// Counts refusals in windows of a minute, which are the same for all callers. When a window closes, and at a clean stop, each caller with refusals that were left out gets one row. What a
/// killed process had counted is lost.
/// </summary>
internal sealed partial class DenialLog(IAuditLog audit, TimeProvider time, IOptions<AuditOptions> options, ILogger<DenialLog> logger) : BackgroundService, IDenialLog
{
    // Callers of one window. Beyond them every refusal has its row: a neighbour must not pay for it, and memory stays bounded.
    private const int Capacity = 50_000;

    // Rows of one write.
    private const int BatchSize = 500;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private Dictionary<Guid, Denials> _callers = [];
    private long _begun = time.GetTimestamp();

    public async Task WriteAsync(Guid of, AuditEvent denial, Grounds grounds)
    {
        if (!TryTake(of, denial))
        {
            throw new TooManyDenialsException(Window - time.GetElapsedTime(_begun));
        }

        // Whoever is refused and hangs up was refused all the same.
        await audit.AppendAsync([denial], grounds, CancellationToken.None);
    }

    public void LeaveOut(Guid of, AuditEvent denial)
    {
        lock (_lock)
        {
            Find(of)?.LeaveOut(denial, count: 1);
        }
    }

    /// <summary>Closes the window: writes how many refusals of each caller were left out, and begins the next.</summary>
    public async Task CloseAsync()
    {
        Dictionary<Guid, Denials> closed;
        lock (_lock)
        {
            (closed, _callers, _begun) = (_callers, [], time.GetTimestamp());
        }

        foreach (var batch in closed.Where(pair => pair.Value.LeftOut > 0).Chunk(BatchSize))
        {
            try
            {
                await audit.AppendAsync([.. batch.Select(pair => pair.Value.ToEvent(time.GetUtcNow()))], CancellationToken.None);
            }
            catch (Exception exception)
            {
                // Again with the next window. What was written all the same, because only the answer was lost, counts twice.
                Failed(exception.GetType().Name);
                lock (_lock)
                {
                    Array.ForEach(batch, pair => Find(pair.Key)?.LeaveOut(pair.Value.Last!, pair.Value.LeftOut));
                }
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await CloseAsync();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Window, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await CloseAsync();
        }
    }

    private bool TryTake(Guid of, AuditEvent denial)
    {
        if (options.Value.DenialsPerMinute == 0)
        {
            return true;
        }

        lock (_lock)
        {
            var denials = Find(of);
            if (denials?.Written >= options.Value.DenialsPerMinute)
            {
                denials.LeaveOut(denial, count: 1);
                return false;
            }

            denials?.Write();
            return true;
        }
    }

    /// <summary>Null: there are too many callers.</summary>
    private Denials? Find(Guid of)
    {
        if (!_callers.TryGetValue(of, out var denials) && _callers.Count < Capacity)
        {
            _callers.Add(of, denials = new Denials());
        }

        return denials;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "How many refusals were left out of the audit could not be written this time: {Failure}")]
    private partial void Failed(string failure);

    private sealed class Denials
    {
        public int Written { get; private set; }

        public int LeftOut { get; private set; }

        /// <summary>The last that was left out.</summary>
        public AuditEvent? Last { get; private set; }

        public void Write() => Written++;

        public void LeaveOut(AuditEvent denial, int count)
        {
            LeftOut += count;

            // Of several credentials none is named: the row is about all of them.
            Last = Last is null || Last.By == denial.By ? denial : denial with { By = null };
        }

        public AuditEvent ToEvent(DateTimeOffset now) =>
            new() { At = now, Actor = Last!.Actor, By = Last.By, Action = AuditAction.DenialsLeftOut, Outcome = AuditOutcome.Denied, LeftOut = LeftOut };
    }
}
