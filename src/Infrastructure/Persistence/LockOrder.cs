namespace Secrets.Infrastructure.Persistence;

/// <summary>
/// The order in which a transaction locks rows, so that two transactions cannot deadlock: owners by kind and id, then <c>root_keys</c> (its lock
/// covers <c>key_state</c> too), <c>key_accounts</c>, <c>data_keys</c>, audit rows (decision 20). A lock is an update that changes the row: SQL Server may release the lock of one that does not. Locks within this process have an order of their own (<c>OwnerGroupTurns</c>).
/// </summary>
internal static class LockOrder
{
    /// <summary>Sorts rows in the order in which their owners are locked.</summary>
    public static IEnumerable<T> InLockOrder<T>(this IEnumerable<T> rows, Func<T, SecretOwner> owner) =>
        rows.OrderBy(row => owner(row).Kind).ThenBy(row => owner(row).Id, StringComparer.Ordinal);
}
