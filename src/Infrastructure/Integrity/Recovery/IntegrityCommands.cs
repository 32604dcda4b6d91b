using Secrets.Application.Audit;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Integrity.Recovery;

/// <summary>The commands of an operator for rows that were changed outside the service.</summary>
public interface IIntegrityCommands
{
    /// <summary>Verifies every owner and every user's API keys. Yields one line per fault.</summary>
    IAsyncEnumerable<string> ListAsync(CancellationToken cancellationToken);

    /// <summary>Makes the stored rows of an owner the current state, except rows that do not open or that the audit contradicts.</summary>
    /// <returns>One line per row: accepted, removed, missing or revoked.</returns>
    Task<IReadOnlyList<string>> AcceptAsync(SecretOwner owner, CancellationToken cancellationToken);

    /// <summary>Accepts that audit rows are missing, for example after a restore: replaces this replica's checkpoint with one of the current audit.</summary>
    /// <returns>Lines about the missing rows.</returns>
    Task<IReadOnlyList<string>> AcceptDatabaseAsync(CancellationToken cancellationToken);

    /// <summary>Puts an owner into quarantine: its reads and writes fail until <see cref="AcceptAsync"/>. Returns a line about the result.</summary>
    /// <exception cref="StartupException">The owner stores nothing.</exception>
    Task<string> QuarantineAsync(SecretOwner owner, CancellationToken cancellationToken);
}

internal sealed class IntegrityCommands(SecretsDbContext db, IntegrityScan scan, TamperRecovery recovery, Quarantine quarantine, CheckpointKeeper keeper)
    : IIntegrityCommands
{
    public IAsyncEnumerable<string> ListAsync(CancellationToken cancellationToken) => scan.ListAsync(cancellationToken);

    public Task<IReadOnlyList<string>> AcceptAsync(SecretOwner owner, CancellationToken cancellationToken) =>
        ReadableAsync<IReadOnlyList<string>>(owner, async () =>
    {
        List<string> lines = [];
        if (await scan.FindFaultAsync(owner) is not null)
        {
            lines.AddRange(await recovery.AcceptAsync(owner, cancellationToken));
        }

        if (owner.Kind == OwnerKind.User && await scan.FindKeyFaultAsync(owner.UserId) is not null)
        {
            lines.AddRange(await recovery.AcceptKeysAsync(owner.UserId, cancellationToken));
        }

        await KeepCheckpointAsync(cancellationToken);
        return lines.Count > 0 ? lines : [$"Nothing changed: {owner} verifies, or stores nothing."];
    });

    public async Task<IReadOnlyList<string>> AcceptDatabaseAsync(CancellationToken cancellationToken) => await keeper.AcceptAsync(db, cancellationToken);

    public Task<string> QuarantineAsync(SecretOwner owner, CancellationToken cancellationToken) => ReadableAsync(owner, async () =>
    {
        if (!await db.Owners.AnyAsync(row => row.Kind == owner.Kind && row.Id == owner.Id, cancellationToken))
        {
            throw new StartupException($"{owner} stores nothing, so nothing was changed.");
        }

        await quarantine.PutAsync(owner, cancellationToken);
        await KeepCheckpointAsync(cancellationToken);
        return $"{owner} is in quarantine: reads and writes of its secrets fail until `integrity accept`";
    });

    /// <summary>Translates unreadable rows into a start-up error that an operator understands.</summary>
    private static async Task<T> ReadableAsync<T>(SecretOwner owner, Func<Task<T>> act)
    {
        try
        {
            return await act();
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception) || exception is ArgumentException)
        {
            throw new StartupException(
                $"A row of {owner} has a value that the service never writes, such as a date outside the calendar. Correct or delete the row, then retry.",
                exception);
        }
    }

    /// <summary>Writes a checkpoint that covers this command's audit rows. Otherwise their removal before the next checkpoint would go unnoticed.</summary>
    private async Task KeepCheckpointAsync(CancellationToken cancellationToken)
    {
        try
        {
            await keeper.RunAsync(cancellationToken);
        }
        catch (IOException exception)
        {
            throw new StartupException(
                $"The command succeeded, but its checkpoint was not written: {exception.Message} Make the file writable: the next start writes a checkpoint.",
                exception);
        }
    }
}
