using System.Runtime.CompilerServices;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Integrity.Recovery;

/// <summary>Finds owners and users' API keys that do not verify.</summary>
internal sealed class IntegrityScan(SecretsDbContext db, OwnerReader owners, ApiKeyReader keys)
{
    /// <summary>The fault of an owner; null: the owner verifies.</summary>
    public Task<string?> FindFaultAsync(SecretOwner owner) => owners.FindFaultAsync(db, owner);

    /// <summary>The fault of a user's API keys; null: the keys verify.</summary>
    public async Task<string?> FindKeyFaultAsync(Guid userId) => (await keys.ReadAsync(db, userId)).Fault;

    /// <summary>Verifies all owners and users. Yields one line per fault.</summary>
    public async IAsyncEnumerable<string> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var owner in await OwnersAsync(cancellationToken))
        {
            if (await FindFaultAsync(owner) is { } fault)
            {
                yield return $"{TamperedException.Printable(owner.ToString())}: {fault}";
            }
        }

        foreach (var user in await UsersAsync(cancellationToken))
        {
            if (await FindKeyFaultAsync(user) is { } fault)
            {
                yield return $"API keys of {SecretOwner.User(user)}: {fault}";
            }
        }
    }

    /// <summary>The owners that have a row or are in the audit.</summary>
    private async Task<List<SecretOwner>> OwnersAsync(CancellationToken cancellationToken)
    {
        var stored = await db.Owners.Select(owner => new { owner.Kind, owner.Id }).ToListAsync(cancellationToken);
        var audited = await db.Audit
            .Where(row => row.OwnerVersion != null && row.TargetKeyUserId == null && row.OwnerId != null)
            .Where(row => row.OwnerKind == OwnerKind.User || row.OwnerKind == OwnerKind.Organization)
            // SQL Server ignores blanks at the end. With a last character, the texts have none.
            .Select(row => new { Kind = row.OwnerKind!.Value, Id = row.OwnerId!, Exact = row.OwnerId + "|" })
            .Distinct()
            .Select(row => new { row.Kind, row.Id })
            .ToListAsync(cancellationToken);

        // Here and not in the database, for the same reason.
        return [.. stored.Union(audited).Select(owner => new SecretOwner(owner.Kind, owner.Id))];
    }

    private Task<List<Guid>> UsersAsync(CancellationToken cancellationToken) =>
        db.KeyAccounts.Select(row => row.UserId)
            .Union(db.ApiKeys.Where(key => key.RevokedAt == null).Select(key => key.UserId))
            .Union(db.Audit.Where(row => row.OwnerVersion != null && row.TargetKeyUserId != null).Select(row => row.TargetKeyUserId!.Value))
            .ToListAsync(cancellationToken);
}
