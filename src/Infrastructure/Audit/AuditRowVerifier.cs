using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

/// <summary>Verifies single audit rows: tells rows that the service wrote from inserted ones.</summary>
internal sealed class AuditRowVerifier(AuditKey key)
{
    /// <summary>Whether a row follows the previous row of its chain, behind the chain's anchor. A row that retention has removed is not genuine any more.</summary>
    public async Task<bool> IsGenuineAsync(SecretsDbContext db, AuditEntry row, CancellationToken cancellationToken)
    {
        var chain = await db.AuditWriters.AsNoTracking().SingleOrDefaultAsync(writer => writer.Id == row.Writer, cancellationToken);
        if (chain is null || !chain.HasSoundAnchor(key.Bytes) || row.Sequence <= chain.AnchorSequence)
        {
            return false;
        }

        var before = row.Sequence - 1;
        var hash = before == chain.AnchorSequence
            ? chain.AnchorHash
            : await db.Audit.Where(previous => previous.Writer == row.Writer && previous.Sequence == before).Select(previous => previous.Hash).SingleOrDefaultAsync(cancellationToken);
        return hash is not null && AuditChain.Follows(key.Bytes, row.Writer, new AuditPosition(before, hash), row);
    }
}
