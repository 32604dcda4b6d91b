using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;
using Secrets.Application.Audit;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Integrity;

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

internal sealed class IntegrityCommands(SecretsDbContext db, OwnerReader owners, KeyReader keys, Acceptance acceptance, CheckpointKeeper keeper) : IIntegrityCommands
{
    public async IAsyncEnumerable<string> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var owner in await OwnersAsync(cancellationToken))
        {
            if (await owners.FindFaultAsync(db, owner) is { } fault)
            {
                yield return $"{TamperedException.Printable(owner.ToString())}: {fault}";
            }
        }

        foreach (var user in await UsersAsync(cancellationToken))
        {
            if (await keys.ReadAsync(db, user) is { Fault: { } fault })
            {
                yield return $"API keys of {SecretOwner.User(user)}: {fault}";
            }
        }
    }

    public async Task<IReadOnlyList<string>> AcceptAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        try
        {
            List<string> words = [];
            if (await owners.FindFaultAsync(db, owner) is not null)
            {
                words.AddRange(await acceptance.AcceptAsync(owner, cancellationToken));
            }

            if (owner.Kind == OwnerKind.User && (await keys.ReadAsync(db, owner.UserId)).Keys is null)
            {
                words.AddRange(await acceptance.AcceptKeysAsync(owner.UserId, cancellationToken));
            }

            return words.Count > 0 ? words : [$"{owner} verifies, or has nothing: nothing was changed"];
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception) || exception is ArgumentException)
        {
            throw new StartupException($"A row of {owner} has what the service cannot have written, such as a moment outside the calendar. Put it right in the database, or delete it, and accept the rest.", exception);
        }
    }

    public async Task<IReadOnlyList<string>> AcceptDatabaseAsync(CancellationToken cancellationToken) => await keeper.AcceptAsync(db, cancellationToken);

    public async Task<string> QuarantineAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        if (await owners.FindFaultAsync(db, owner) is { } fault)
        {
            return $"{owner} does not verify, and so it is refused already: {fault}";
        }

        if (!await db.Owners.AnyAsync(row => row.Kind == owner.Kind && row.Id == owner.Id, cancellationToken))
        {
            return $"{owner} has nothing: nothing was changed";
        }

        await acceptance.QuarantineAsync(owner, cancellationToken);
        return $"{owner} is in quarantine: its values are neither handed out nor changed until it is accepted";
    }

    /// <summary>The owners that have a row, and those that the audit knows.</summary>
    private async Task<List<SecretOwner>> OwnersAsync(CancellationToken cancellationToken)
    {
        var stored = db.Owners.Select(owner => new { Kind = (OwnerKind?)owner.Kind, Id = (string?)owner.Id });
        var audited = db.Audit.Where(row => row.OwnerVersion != null && row.KeyUserId == null && row.OwnerId != null && (row.OwnerKind == OwnerKind.User || row.OwnerKind == OwnerKind.Organization)).Select(row => new { Kind = row.OwnerKind, Id = row.OwnerId });
        return (await stored.Union(audited).ToListAsync(cancellationToken)).ConvertAll(owner => new SecretOwner(owner.Kind!.Value, owner.Id!));
    }

    private Task<List<Guid>> UsersAsync(CancellationToken cancellationToken) =>
        db.KeyAccounts.Select(row => row.UserId)
            .Union(db.ApiKeys.Where(key => key.RevokedAt == null).Select(key => key.UserId))
            .Union(db.Audit.Where(row => row.OwnerVersion != null && row.KeyUserId != null).Select(row => row.KeyUserId!.Value))
            .ToListAsync(cancellationToken);
}
