using Microsoft.Extensions.Hosting;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Audit;

/// <summary>Keeps checkpoints of the audit: before the first request, at an interval, and when the process stops.</summary>
internal sealed partial class CheckpointWorker(
    CheckpointKeeper keeper, CheckpointFile file, IHostEnvironment environment, TimeProvider time, ILogger<CheckpointWorker> logger) : BackgroundService
{
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TryKeepAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await TryKeepAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The stop has no time left for a checkpoint. The previous one remains.
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (file.Path is null)
        {
            if (environment.IsProduction())
            {
                NotKept();
            }

            return;
        }

        using var timer = new PeriodicTimer(file.Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await TryKeepAsync(stoppingToken);
        }
    }

    private async Task TryKeepAsync(CancellationToken cancellationToken)
    {
        try
        {
            await keeper.RunAsync(cancellationToken);
        }
        catch (IOException exception)
        {
            NotWritten(file.Path!, exception.Message);
        }
        catch (Exception exception) when (!exception.IsCancelledBy(cancellationToken))
        {
            Failed(exception.GetType().Name);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Audit:CheckpointFile is not set. A rollback of the whole database during downtime would go unnoticed")]
    private partial void NotKept();

    [LoggerMessage(Level = LogLevel.Error, Message = "The checkpoint {Path} cannot be read or written: {Reason}")]
    private partial void NotWritten(string path, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A checkpoint of the audit failed. The service retries at the next interval: {Failure}")]
    private partial void Failed(string failure);
}
