using Microsoft.EntityFrameworkCore;
using Secrets.Application.Common;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Resolution;

/// <summary>Reads what may fill a tool call from the database, each time.</summary>
internal sealed class ResolutionStore(SecretsDbContext db) : IResolutionStore
{
    public async Task<OwnerCandidates> ReadAsync(SecretOwner owner, IEnumerable<string> names, CancellationToken cancellationToken)
    {
        var (kind, id) = owner;
        var keys = names.Distinct(StringComparer.Ordinal).Select(Secret.KeyOfName).ToList();
        var secrets = db.Secrets.AsNoTracking().Where(secret => secret.OwnerKind == kind && secret.OwnerId == id);
        secrets = keys.Count == 0
            ? secrets.Where(secret => secret.DefaultKey != null)
            : secrets.Where(secret => secret.DefaultKey != null || keys.Contains(secret.NameKey));

        // Nothing is granted to single workspaces yet.
        var rows = await secrets.ToListAsync(cancellationToken);
        return new OwnerCandidates(rows.Select(secret => new Candidate(secret.Placement, secret.Envelope, [])));
    }
}
