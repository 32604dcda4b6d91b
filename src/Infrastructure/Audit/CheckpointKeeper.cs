using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

/// <summary>
/// Keeps a checkpoint of the audit in a file outside the database. Each run compares the audit with the checkpoint before it replaces the checkpoint. Also
/// the health check <c>checkpoint</c>: not ready while rows are missing, or after too many failed runs (docs/decisions/0020-the-database-is-not-trusted.md).
/// </summary>
internal sealed class CheckpointKeeper(
    IServiceScopeFactory scopes, AuditCheckpoints checkpoints, CheckpointFile file, IntegrityAlarms alarms, TimeProvider time)
    : IHealthCheck, IDisposable
{
    /// <summary>Intervals without a successful run before the service is not ready. A short outage of database or disk does not count.</summary>
    private const int MaxFailures = 10;

    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile AuditCheckpoint? _latest;
    private volatile string? _fault;
    private long _succeededAt = time.GetTimestamp();

    /// <summary>The checkpoint that this process last read or made, if any.</summary>
    public AuditCheckpoint? Latest => _latest;

    /// <summary>Reads the stored checkpoint; null: there is none.</summary>
    /// <exception cref="StartupException">The file cannot be read, or is no checkpoint of this installation.</exception>
    public AuditCheckpoint? Read()
    {
        var (checkpoint, fault) = file.Path is { } path ? TryRead(path) : (null, null);
        return fault is null ? checkpoint : throw new StartupException(fault);
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        _fault is { } fault ? HealthCheckResult.Unhealthy(fault)
        : file.Path is not null && time.GetElapsedTime(Volatile.Read(ref _succeededAt)) > MaxFailures * file.Interval
            ? HealthCheckResult.Unhealthy("No checkpoint of the audit was written for more than ten intervals. The log has the cause.")
        : HealthCheckResult.Healthy());

    public void Dispose() => _turn.Dispose();

    /// <summary>Compares the audit with the stored checkpoint, and stores a new one if no row is missing. Does nothing if no file is configured.</summary>
    /// <exception cref="IOException">The file cannot be read or written.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (file.Path is not { } path)
        {
            return;
        }

        await _turn.WaitAsync(cancellationToken);
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            _fault = await CompareAndKeepAsync(scope.ServiceProvider.GetRequiredService<SecretsDbContext>(), path, cancellationToken);
            if (_fault is { } fault)
            {
                await alarms.RaiseAuditAsync(fault);
            }
            else
            {
                AuditMetrics.Kept();
            }

            Volatile.Write(ref _succeededAt, time.GetTimestamp());
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Stores a checkpoint of the current audit even if rows are missing or chains do not verify. The audit records this.</summary>
    /// <returns>Lines for the operator: the rows that are missing since the stored checkpoint.</returns>
    /// <exception cref="StartupException">No file is configured, or it cannot be written.</exception>
    public async Task<List<string>> AcceptAsync(SecretsDbContext db, CancellationToken cancellationToken)
    {
        var path = file.Path ?? throw new StartupException("There is no checkpoint to accept: set Audit:CheckpointFile.");
        var (checkpoint, fault) = TryRead(path);
        await db.InTransactionAsync(
            async token =>
            {
                await checkpoints.AcceptCountAsync(db, token);
                db.Record(AuditEvent.ByService(AuditAction.IntegrityAccept, time.GetUtcNow()));
                return true;
            },
            cancellationToken);

        // Make the checkpoint after the audit row, so that the checkpoint covers the row and its removal is noticed.
        var (missing, made) = await CompareAndMakeAsync(db, checkpoint, cancellationToken);
        if (made is null)
        {
            throw new StartupException("The number of audit chains changed concurrently. Try again.");
        }

        try
        {
            CheckpointFile.Write(path, made);
        }
        catch (IOException exception)
        {
            throw new StartupException($"The checkpoint {path} cannot be written: {exception.Message}", exception);
        }

        return
        [
            fault ?? (checkpoint is null
                ? $"there was no file {path}"
                : string.Create(CultureInfo.InvariantCulture, $"the checkpoint was made at {checkpoint.At:O}")),
            .. missing.Select(rows => $"missing {rows.Writer}: rows {rows.Sequence} to {rows.Last}"),
            string.Create(
                CultureInfo.InvariantCulture,
                $"accepted {made.Heads.Count} of {made.Count} chains of the audit as they are at {made.At:O}; {made.Unsound} are gone or not sound"),
        ];
    }

    private async Task<string?> CompareAndKeepAsync(SecretsDbContext db, string path, CancellationToken cancellationToken)
    {
        var (stored, fault) = Verify(CheckpointFile.Read(path), path);
        if (fault is not null)
        {
            return fault;
        }

        if (await db.FindDisguisedTableAsync(cancellationToken) is { } disguised)
        {
            return disguised;
        }

        // If somebody removed the file, compare with the last checkpoint in memory.
        var checkpoint = stored ?? _latest;
        _latest ??= checkpoint;
        if (stored is not null && !stored.Mac.AsSpan().SequenceEqual(_latest!.Mac) && await checkpoints.IsAcceptedSinceAsync(db, _latest.At, cancellationToken))
        {
            // Not after every command that writes the file: only `integrity accept --database` accepts missing rows.
            checkpoints.ForgetOwnHeads();
            _latest = stored; // an acceptance counts once
        }

        var (missing, made) = await CompareAndMakeAsync(db, checkpoint, cancellationToken);
        if (missing is [var first, ..])
        {
            var isOfCheckpoint = checkpoint?.Heads.Any(head => head.Writer == first.Writer && head.Position.Sequence >= first.Last) == true;
            var rows = isOfCheckpoint ? string.Create(CultureInfo.InvariantCulture, $"were there at {checkpoint!.At:O}") : "this process stored";
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{missing.Count} chains of the audit lack rows that {rows}, the first of them "
                + $"rows {first.Sequence} to {first.Last} of {first.Writer}: the database was set back.");
        }

        if (made is null || made.Count < checkpoint?.Count)
        {
            return "The number of the audit's chains was changed outside the service.";
        }

        // A checkpoint leaves out unsound chains. If it replaced the stored one, a later rollback of those chains would go unnoticed.
        if (made.Unsound > (checkpoint?.Unsound ?? 0))
        {
            return string.Create(CultureInfo.InvariantCulture, $"{made.Unsound} of the audit's {made.Count} chains are gone, or their ends are not sound.");
        }

        CheckpointFile.Write(path, made);
        _latest = made;
        return null;
    }

    /// <summary>
    /// The rows that are missing since a checkpoint or since this process last used their chain, and a new checkpoint; null: the number of chains was changed.
    /// Both come from one snapshot. Rows removed between two snapshots would be in the first, and would not be in the checkpoint of the second.
    /// </summary>
    private Task<(List<MissingRows> Missing, AuditCheckpoint? Made)> CompareAndMakeAsync(
        SecretsDbContext db, AuditCheckpoint? checkpoint, CancellationToken cancellationToken)
    {
        AuditHead[] trusted = [.. checkpoint?.Heads ?? [], .. checkpoints.OwnHeads];
        return db.InSnapshotAsync(
            async () => (await checkpoints.FindMissingAsync(db, trusted, cancellationToken), await checkpoints.MakeAsync(db, cancellationToken)), cancellationToken);
    }

    /// <summary>The checkpoint if this installation made it; otherwise the fault.</summary>
    private (AuditCheckpoint? Checkpoint, string? Fault) Verify((AuditCheckpoint? Found, bool IsValid) read, string path) =>
        !read.IsValid ? (null, $"The file {path} is no checkpoint.")
        : read.Found is null || checkpoints.IsGenuine(read.Found) ? (read.Found, null)
        : (null, $"The checkpoint {path} is of another installation, or was changed.");

    private (AuditCheckpoint? Checkpoint, string? Fault) TryRead(string path)
    {
        try
        {
            return Verify(CheckpointFile.Read(path), path);
        }
        catch (IOException exception)
        {
            return (null, $"The checkpoint {path} cannot be read: {exception.Message}");
        }
    }
}
