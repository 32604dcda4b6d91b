using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Credentials.ApiKeys;

/// <inheritdoc />
internal sealed class Operators(IDbContextFactory<SecretsDbContext> contexts, ApiKeyReader keys, IntegrityAlarms alarms, TimeProvider time) : IOperators
{
    public async Task<bool> ContainAsync(Guid userId, CancellationToken cancellationToken)
    {
        // The bootstrap key from the configuration has no row.
        if (userId == Credential.BootstrapUser)
        {
            return true;
        }

        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var (verified, fault) = await keys.ReadAsync(db, userId);
        if (verified is null)
        {
            // The removed row may be the user's operator key.
            await alarms.RaiseKeysAsync(userId, fault!);
            throw new TamperedOwnerException();
        }

        return verified.OperatorUntil > time.GetUtcNow();
    }
}
