using Microsoft.EntityFrameworkCore;
using Secrets.Application.Audit;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Integrity.Recovery;

/// <summary>What an operator can do about rows that were changed outside the service.</summary>
public interface IIntegrityCommands
{
    /// <summary>Verifies every owner and every user's keys, and says which do not verify and why.</summary>
    IAsyncEnumerable<string> ListAsync(CancellationToken cancellationToken);

    /// <summary>Makes what is there of an owner the current state, as far as it can be.</summary>
    /// <returns>What became of each row.</returns>
    Task<IReadOnlyList<string>> AcceptAsync(SecretOwner owner, CancellationToken cancellationToken);

    /// <summary>Accepts that rows of the audit are missing, as they are after a restore from a backup: this replica's checkpoint is of what is there from now on.</summary>
    /// <returns>What is missing.</returns>
    Task<IReadOnlyList<string>> AcceptDatabaseAsync(CancellationToken cancellationToken);

    /// <summary>Has an owner answer as if its rows did not verify, until they are accepted.</summary>
    /// <returns>What was done.</returns>
    Task<string> QuarantineAsync(SecretOwner owner, CancellationToken cancellationToken);
}

internal sealed class IntegrityCommands(SecretsDbContext db, IntegrityScan faults, TamperRecovery acceptance, Quarantine quarantine, CheckpointKeeper keeper) : IIntegrityCommands
{
    public IAsyncEnumerable<string> ListAsync(CancellationToken cancellationToken) => faults.ListAsync(cancellationToken);

    public Task<IReadOnlyList<string>> AcceptAsync(SecretOwner owner, CancellationToken cancellationToken) => OrUnreadableAsync<IReadOnlyList<string>>(owner, async () =>
    {
        List<string> words = [];
        if (await faults.FindAsync(owner) is not null)
        {
            words.AddRange(await acceptance.AcceptAsync(owner, cancellationToken));
        }

        if (owner.Kind == OwnerKind.User && await faults.FindOfKeysAsync(owner.UserId) is not null)
        {
            words.AddRange(await acceptance.AcceptKeysAsync(owner.UserId, cancellationToken));
        }

        await KeepAsync(cancellationToken);
        return words.Count > 0 ? words : [$"{owner} verifies, or has nothing: nothing was changed"];
    });

    public async Task<IReadOnlyList<string>> AcceptDatabaseAsync(CancellationToken cancellationToken) => await keeper.AcceptAsync(db, cancellationToken);

    public Task<string> QuarantineAsync(SecretOwner owner, CancellationToken cancellationToken) => OrUnreadableAsync(owner, async () =>
    {
        if (!await db.Owners.AnyAsync(row => row.Kind == owner.Kind && row.Id == owner.Id, cancellationToken))
        {
            return $"{owner} has nothing: nothing was changed";
        }

        await quarantine.PutAsync(owner, AuditAction.IntegrityQuarantine, cancellationToken);
        await KeepAsync(cancellationToken);
        return $"{owner} is in quarantine: its values are neither handed out nor changed until it is accepted";
    });

    private static async Task<T> OrUnreadableAsync<T>(SecretOwner owner, Func<Task<T>> act)
    {
        try
        {
            return await act();
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception) || exception is ArgumentException)
        {
            throw new StartupException($"A row of {owner} has what the service cannot have written, such as a moment outside the calendar. Put it right in the database, or delete it, and try again.", exception);
        }
    }

    /// <summary>Has this replica's checkpoint know what was done: else it could be taken away again until the service makes its next.</summary>
    private async Task KeepAsync(CancellationToken cancellationToken)
    {
        try
        {
            await keeper.RunAsync(cancellationToken);
        }
        catch (IOException exception)
        {
            throw new StartupException($"It was done, but the checkpoint could not be kept: {exception.Message}", exception);
        }
    }
}
