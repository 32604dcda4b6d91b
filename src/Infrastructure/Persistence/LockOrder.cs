namespace Secrets.Infrastructure.Persistence;

/// <summary>
/// The order in which a transaction locks rows, so that two transactions cannot deadlock: owners by kind and id, then <c>root_keys</c> (its lock covers
/// <c>key_state</c> too), <c>key_accounts</c>, <c>data_keys</c>, audit rows (decision 20). Locks within this process have an order of their own
/// (<c>OwnerGroupTurns</c>).
/// </summary>
/// <remarks>
/// A lock is an update that changes the row. The documentation of SQL Server does not say whether an update that changes nothing keeps its lock.
/// On SQL Server, a delete also locks a range of keys in dependent tables. So deletes of different owners may deadlock; the service retries them.
/// </remarks>
internal static class LockOrder
{
    /// <summary>Sorts rows in the order in which their owners are locked.</summary>
    public static IEnumerable<T> InLockOrder<T>(this IEnumerable<T> rows, Func<T, SecretOwner> owner) =>
        rows.OrderBy(row => owner(row).Kind).ThenBy(row => owner(row).Id, StringComparer.Ordinal);
}
