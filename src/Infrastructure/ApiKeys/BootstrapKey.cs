using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.ApiKeys;

/// <summary>The first key of an installation, with which all others are made.</summary>
internal sealed class BootstrapKey(SecretsDbContext db, IOptions<AuthOptions> options, IDatabaseFaults faults, TimeProvider time)
{
    private static readonly Guid UserId = Guid.Parse("00000000-0000-0000-0000-000000000001");
    private static readonly Membership Organization = new("default", OrganizationRole.Admin, []);

    /// <summary>Whom the bootstrap key stands for.</summary>
    public static readonly Caller Caller = new(UserId, Scopes.All, [Organization]);

    /// <summary>Where neither the configuration nor the database has a key, makes one and gives its text, which is kept nowhere.</summary>
    public async Task<string?> MakeIfNoneAsync(CancellationToken cancellationToken)
    {
        if (options.Value.BootstrapKey is not null || await db.ApiKeys.AnyAsync(key => key.RevokedAt == null, cancellationToken))
        {
            return null;
        }

        // The one that was made before and revoked makes room.
        await db.ApiKeys.Where(key => key.Id == UserId && key.RevokedAt != null).ExecuteDeleteAsync(cancellationToken);
        var text = ApiKeyText.Generate();

        // A fixed id: of several replicas that start at once on an empty database, one makes the key.
        db.ApiKeys.Add(new ApiKey(UserId, "bootstrap", text, Scopes.All, UserId, Organization, UserId, time.GetUtcNow()));
        try
        {
            await db.SaveChangesAsync(cancellationToken);
            return text;
        }
        catch (DbUpdateException exception) when (faults.UniqueIndexOf(exception) is not null)
        {
            return null;
        }
    }
}
