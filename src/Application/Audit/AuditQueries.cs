using Secrets.Application.Common;

namespace Secrets.Application.Audit;

internal static class AuditQueries
{
    /// <summary>
    /// The rows that exist for the caller: the caller's actions, and actions on the secrets and keys of the caller or of
    /// organisations that the caller administers. An operator sees every row.
    /// </summary>
    public static IQueryable<AuditEntry> VisibleTo(this IQueryable<AuditEntry> rows, Caller caller)
    {
        if (caller.Has(Scopes.Operator))
        {
            return rows;
        }

        var administered = caller.Administered.ToList();
        var actor = caller.UserId;
        var owner = caller.Owner.Id;
        return rows.Where(row => row.Actor == actor
            || (row.OwnerKind == OwnerKind.User && row.OwnerId == owner)
            || (row.OwnerKind == OwnerKind.Organization && administered.Contains(row.OwnerId!)));
    }

    /// <summary>The rows behind the cursor, newest first.</summary>
    public static IOrderedQueryable<AuditEntry> NewestFirst(this IQueryable<AuditEntry> rows, AuditCursor? cursor)
    {
        if (cursor is { } place)
        {
            var (at, writer, sequence) = place;

            // The first condition is redundant, but an index can use it.
            rows = rows.Where(row => row.At <= at
                && (row.At < at || row.Writer < writer || (row.Writer == writer && row.Sequence < sequence)));
        }

        return rows.OrderByDescending(row => row.At).ThenByDescending(row => row.Writer).ThenByDescending(row => row.Sequence);
    }
}
