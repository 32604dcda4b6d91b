using Microsoft.EntityFrameworkCore;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

/// <summary>Tells rows of the audit that the service wrote from those that somebody put there, one at a time.</summary>
internal sealed class AuditRowVerifier(AuditKey key)
{
    /// <summary>Whether a row follows the one before it in its chain, or the place that its chain starts behind.</summary>
    public async Task<bool> IsGenuineAsync(SecretsDbContext db, AuditEntry row, CancellationToken cancellationToken)
    {
        var hash = await db.Audit.Where(before => before.Writer == row.Writer && before.Sequence == row.Sequence - 1).Select(before => before.Hash).SingleOrDefaultAsync(cancellationToken);
        if (hash is not null)
        {
            return AuditChain.Follows(key.Bytes, row.Writer, new AuditPosition(row.Sequence - 1, hash), row);
        }

        return await db.AuditWriters.AsNoTracking().SingleOrDefaultAsync(writer => writer.Id == row.Writer, cancellationToken) is { } chain
            && chain.HasSoundAnchor(key.Bytes)
            && AuditChain.Follows(key.Bytes, row.Writer, chain.Anchor, row);
    }
}
