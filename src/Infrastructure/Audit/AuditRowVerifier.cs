using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

/// <summary>Verifies single audit rows: tells rows that the service wrote from inserted ones.</summary>
internal sealed class AuditRowVerifier(AuditKey key)
{
    /// <summary>Whether a row follows the previous row of its chain, or the chain's anchor.</summary>
    public async Task<bool> IsGenuineAsync(SecretsDbContext db, AuditEntry row, CancellationToken cancellationToken)
    {
        var hash = await db.Audit.Where(before => before.Writer == row.Writer && before.Sequence == row.Sequence - 1)
            .Select(before => before.Hash).SingleOrDefaultAsync(cancellationToken);
        if (hash is not null)
        {
            return AuditChain.Follows(key.Bytes, row.Writer, new AuditPosition(row.Sequence - 1, hash), row);
        }

        return await db.AuditWriters.AsNoTracking().SingleOrDefaultAsync(writer => writer.Id == row.Writer, cancellationToken) is { } chain
            && chain.HasSoundAnchor(key.Bytes)
            && AuditChain.Follows(key.Bytes, row.Writer, chain.Anchor, row);
    }
}
