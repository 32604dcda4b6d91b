using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

/// <summary>
/// Keeps a checkpoint of the audit in a file, outside the database: compares the audit with it, and only then puts a new one in its place. While something is missing, the service is not ready
/// (docs/decisions/0020-the-database-is-not-trusted.md).
/// </summary>
internal sealed partial class CheckpointKeeper(
    IServiceScopeFactory scopes, AuditCheckpoints checkpoints, CheckpointFile file, IntegrityAlarms alarms, ILogger<CheckpointKeeper> logger)
    : IHealthCheck, IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile AuditCheckpoint? _latest;
    private volatile string? _fault;

    /// <summary>The checkpoint that was last read or made; null: none is kept.</summary>
    public AuditCheckpoint? Latest => _latest;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(_fault is { } fault ? HealthCheckResult.Unhealthy(fault) : HealthCheckResult.Healthy());

    public void Dispose() => _turn.Dispose();

    /// <summary>Compares the audit with the file, and puts a new checkpoint there if nothing is missing. Without a file nothing is done.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (file.Path is not { } path)
        {
            return;
        }

        await _turn.WaitAsync(cancellationToken);
        try
        {
            var fault = await CompareAndKeepAsync(path, cancellationToken);
            _fault = fault;
            if (fault is not null)
            {
                await alarms.RaiseAuditAsync(fault);
            }
        }
        catch (IOException exception)
        {
            NotWritten(path, exception.Message);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Keeps a checkpoint of what is there, whatever is missing, and says so in the audit.</summary>
    /// <returns>What is missing since the one in the file was made, in words for the operator.</returns>
    /// <exception cref="StartupException">No file is configured, or it cannot be written.</exception>
    public async Task<List<string>> AcceptAsync(SecretsDbContext db, CancellationToken cancellationToken)
    {
        var path = file.Path ?? throw new StartupException("Audit:CheckpointFile names no file: there is nothing to accept.");
        var (kept, fault) = Read(path);
        var (missing, made) = await db.AtOneMomentAsync(() => CompareAsync(db, kept, cancellationToken), cancellationToken);
        await db.InTransactionAsync(
            _ =>
            {
                db.Record(AuditEvent.ByService(AuditAction.IntegrityAccept, made.At));
                return Task.FromResult(true);
            },
            cancellationToken);
        try
        {
            CheckpointFile.Write(path, made);
        }
        catch (IOException exception)
        {
            throw new StartupException($"The checkpoint {path} cannot be written: {exception.Message}", exception);
        }

        var words = fault is null ? missing.ConvertAll(rows => $"missing {rows.Writer}: rows {rows.Sequence} to {rows.Last}") : [fault];
        return [.. words, string.Create(CultureInfo.InvariantCulture, $"accepted {made.Count} chains of the audit as they are at {made.At:O}")];
    }

    private async Task<string?> CompareAndKeepAsync(string path, CancellationToken cancellationToken)
    {
        var (kept, fault) = Read(path);
        if (fault is not null)
        {
            return fault;
        }

        // If somebody removed the file, there is still what this process knows.
        kept ??= _latest;
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<SecretsDbContext>();
        var (missing, made) = await db.AtOneMomentAsync(() => CompareAsync(db, kept, cancellationToken), cancellationToken);
        if (missing is [var first, ..])
        {
            _latest = kept;
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{missing.Count} chains of the audit lack rows that were there at {kept!.At:O}, the first of them rows {first.Sequence} to {first.Last} of {first.Writer}: the database was set back.");
        }

        CheckpointFile.Write(path, made);
        _latest = made;
        return null;
    }

    /// <summary>The checkpoint in the file, if there is one; or why it does not count.</summary>
    private (AuditCheckpoint? Kept, string? Fault) Read(string path)
    {
        try
        {
            var kept = CheckpointFile.Read(path);
            return kept is null || checkpoints.IsGenuine(kept) ? (kept, null) : (null, $"The checkpoint {path} is of another installation, or was changed.");
        }
        catch (FormatException)
        {
            return (null, $"The file {path} is no checkpoint.");
        }
    }

    private async Task<(List<MissingRows> Missing, AuditCheckpoint Made)> CompareAsync(SecretsDbContext db, AuditCheckpoint? kept, CancellationToken cancellationToken)
    {
        var missing = kept is null ? [] : await checkpoints.FindMissingAsync(db, kept, cancellationToken);
        return (missing, (await checkpoints.MakeAsync(db, cancellationToken)).Checkpoint);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The checkpoint {Path} cannot be read or written: {Reason}")]
    private partial void NotWritten(string path, string reason);
}
