using Microsoft.Extensions.Hosting;
using Secrets.Application.Encryption;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.Rotation;

/// <summary>Wakes the worker of this process early.</summary>
internal sealed class KeyRotationSignal : IDisposable
{
    private readonly SemaphoreSlim _raised = new(0, 1);

    public void Raise()
    {
        try
        {
            _raised.Release();
        }
        catch (SemaphoreFullException)
        {
            // Already raised.
        }
    }

    public void Dispose() => _raised.Dispose();

    /// <summary>Waits until the signal is raised or the time is over.</summary>
    /// <remarks>Async, so that disposal during a failed start fails the task and does not throw here.</remarks>
    public async Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => await _raised.WaitAsync(atMost, cancellationToken);
}

/// <summary>
/// Reads the key ring every minute, adds a ring key when the newest is too old, and runs requested rotations in the background. All replicas work at once;
/// each step is one transaction, so a replica may stop at any time.
/// </summary>
internal sealed partial class KeyRotationWorker(
    IServiceScopeFactory scopes, KeyRing ring, KeyRotationSignal signal, TimeProvider time, ILogger<KeyRotationWorker> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly Dictionary<KeyLayer, (DateTimeOffset Moment, DateTimeOffset At)> _last = [];

    /// <summary>Makes one pass over all requested rotations.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => RunAsync((_, _) => true, (_, _) => { }, cancellationToken);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                ring.Refresh();
                await RunAsync(IsDue, (layer, moment) => _last[layer] = (moment, time.GetUtcNow()), stoppingToken);
            }
            catch (Exception exception)
            {
                if (!stoppingToken.IsCancellationRequested)
                {
                    Failed(exception.GetType().Name);
                }
            }

            await signal.WaitAsync(Interval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>A new request is due at once. An unfinished one is due again after the layer's waiting time.</summary>
    private bool IsDue(KeyLayer layer, DateTimeOffset moment) =>
        !_last.TryGetValue(layer, out var last)
        || last.Moment != moment
        || time.GetUtcNow() >= last.At + (layer == KeyLayer.KeyRing ? TimeSpan.FromHours(1) : DataKeyReplacement.GracePeriod);

    private async Task RunAsync(Func<KeyLayer, DateTimeOffset, bool> isDue, Action<KeyLayer, DateTimeOffset> note, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var services = scope.ServiceProvider;
        var db = services.GetRequiredService<SecretsDbContext>();
        IReadOnlyList<KeyRotationRow> requests;
        try
        {
            var records = ring.Read();
            requests = records.Rotations;
            await AddRingKeyIfDueAsync(db, records, cancellationToken);
        }
        catch (ConflictException exception)
        {
            // No key is wrapped again or removed while the keys do not verify.
            NotReplaced(exception.Message);
            return;
        }

        // Upper layers first: they take less time, and new data keys are then wrapped with the new ring key.
        foreach (var row in requests.Where(row => row.FinishedAt is null && isDue(row.Layer, row.RequestedAt)).OrderByDescending(row => row.Layer))
        {
            try
            {
                var isFinished = await RunAsync(services, row.Layer, row.RequestedAt, cancellationToken);
                note(row.Layer, row.RequestedAt);
                if (isFinished)
                {
                    await FinishAsync(db, row, cancellationToken);
                }
            }
            catch (Exception exception) when (!exception.IsCancelledBy(cancellationToken))
            {
                // The other layers go on.
                Failed(exception.GetType().Name);
            }
        }

        if (RotationMetrics.Enabled)
        {
            var isRunning = requests.Any(row => row.FinishedAt is null);
            RotationMetrics.Note(isRunning ? await services.GetRequiredService<IKeyRotation>().ReadAsync(cancellationToken) : null);
        }
    }

    /// <summary>Adds a ring key if the newest is too old. Checked again under the lock, because another replica may have been faster.</summary>
    private async Task AddRingKeyIfDueAsync(SecretsDbContext db, KeyRecords read, CancellationToken cancellationToken)
    {
        if (ring.NeedsNewKey(read.Ring))
        {
            await ChangeAsync(db, records => ring.NeedsNewKey(records.Ring) ? ring.WithNewKey(records, out _) : null, cancellationToken);
        }
    }

    private async Task FinishAsync(SecretsDbContext db, KeyRotationRow finished, CancellationToken cancellationToken)
    {
        await ChangeAsync(
            db,
            records => records.Find(finished.Layer) is { FinishedAt: null } row && row.RequestedAt == finished.RequestedAt ? records.WithFinish(row, time.GetUtcNow()) : null,
            cancellationToken);
        Finished(finished.Layer);
    }

    private Task ChangeAsync(SecretsDbContext db, Func<KeyRecords, KeyRecords?> change, CancellationToken cancellationToken) =>
        ring.ChangeAsync(db, change, AuditEvent.ByService(AuditAction.KeysChange, time.GetUtcNow()), cancellationToken);

    private static Task<bool> RunAsync(IServiceProvider services, KeyLayer layer, DateTimeOffset before, CancellationToken cancellationToken) => layer switch
    {
        KeyLayer.DataKeys => services.GetRequiredService<DataKeyReplacement>().RunAsync(before, cancellationToken),
        KeyLayer.KeyRing => services.GetRequiredService<KeyRingReplacement>().RunAsync(before, cancellationToken),
        _ => services.GetRequiredService<IntegrityKeyReplacement>().RunAsync(before, cancellationToken),
    };

    [LoggerMessage(Level = LogLevel.Information, Message = "Rotation of {Layer} finished: all old keys removed")]
    private partial void Finished(KeyLayer layer);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Key rotation is paused: {Reason}")]
    private partial void NotReplaced(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Key rotation failed and will be retried: {Failure}")]
    private partial void Failed(string failure);
}
