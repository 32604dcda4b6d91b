using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Secrets.Application.Encryption;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption;

/// <summary>Wakes the worker of this process before its time.</summary>
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
            // It is raised.
        }
    }

    public void Dispose() => _raised.Dispose();

    /// <summary>Returns when it is raised, or after a while.</summary>
    public Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => _raised.WaitAsync(atMost, cancellationToken);
}

/// <summary>
/// Replaces keys behind the requests, where somebody asked for it. Every replica does: what one has done is done for all, and one that ends leaves
/// nothing half done.
/// </summary>
internal sealed partial class KeyRotationWorker(
    IServiceScopeFactory scopes, KeyRotationSignal signal, TimeProvider time, ILogger<KeyRotationWorker> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>How often at most all that the ring wraps is looked through: after the first time its old keys do no more than stay for a while.</summary>
    private static readonly TimeSpan RingInterval = TimeSpan.FromHours(1);

    private (DateTimeOffset Moment, DateTimeOffset At)? _ring;

    /// <summary>Goes once through what is to be replaced.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var services = scope.ServiceProvider;
        var db = services.GetRequiredService<SecretsDbContext>();
        var open = await db.KeyRotations.AsNoTracking().Where(row => row.RequestedAt != null && row.FinishedAt == null).ToListAsync(cancellationToken);
        foreach (var (layer, moment) in open.Select(row => (row.Layer, row.RequestedAt!.Value)))
        {
            var now = time.GetUtcNow();
            if (layer == KeyLayer.KeyRing && _ring is var (lastMoment, lastAt) && lastMoment == moment && now < lastAt + RingInterval)
            {
                continue;
            }

            var isFinished = await RunAsync(services, layer, moment, cancellationToken);
            if (layer == KeyLayer.KeyRing)
            {
                _ring = (moment, now);
            }

            if (isFinished)
            {
                await db.KeyRotations.Where(row => row.Layer == layer && row.RequestedAt == moment && row.FinishedAt == null)
                    .ExecuteUpdateAsync(set => set.SetProperty(row => row.FinishedAt, now), cancellationToken);
                Finished(layer);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                await RunAsync(stoppingToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                Failed(exception.GetType().Name);
            }

            await signal.WaitAsync(Interval, stoppingToken);
        }
    }

    private static Task<bool> RunAsync(IServiceProvider services, KeyLayer layer, DateTimeOffset before, CancellationToken cancellationToken) =>
        layer == KeyLayer.DataKeys
            ? services.GetRequiredService<DataKeyReplacement>().RunAsync(before, cancellationToken)
            : services.GetRequiredService<KeyRingReplacement>().RunAsync(before, cancellationToken);

    [LoggerMessage(Level = LogLevel.Information, Message = "Every key of the layer {Layer} that was to be replaced is gone")]
    private partial void Finished(KeyLayer layer);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Keys could not be replaced this time, and will be tried again: {Failure}")]
    private partial void Failed(string failure);
}
