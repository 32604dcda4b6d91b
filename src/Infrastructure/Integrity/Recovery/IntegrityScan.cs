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
        foreach (var owner in await AllOwners.ReadAsync(db, cancellationToken))
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

    private Task<List<Guid>> UsersAsync(CancellationToken cancellationToken) =>
        db.KeyAccounts.Select(row => row.UserId)
            .Union(db.ApiKeys.Where(key => key.RevokedAt == null).Select(key => key.UserId))
            .Union(db.Audit.Where(row => row.OwnerVersion != null && row.TargetKeyUserId != null).Select(row => row.TargetKeyUserId!.Value))
            .ToListAsync(cancellationToken);
}
