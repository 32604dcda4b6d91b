namespace Secrets.Infrastructure.Persistence;

/// <summary>Classifies a provider's exceptions.</summary>
internal interface IDatabaseFaults
{
    /// <summary>The unique index that refused a row; null if the exception has another cause.</summary>
    /// <param name="exception">The exception of a write.</param>
    /// <param name="known">The names of all unique indexes and primary keys.</param>
    string? UniqueIndexOf(Exception exception, IEnumerable<string> known);

    /// <summary>
    /// Whether a retry may succeed: the database is unreachable, starting, stopping, read-only, or out of connections or space, or the transaction
    /// lost a conflict with another.
    /// </summary>
    bool IsUnavailable(Exception exception);

    /// <summary>Whether the server answers, but has no database of that name, or the user may not open it.</summary>
    bool IsMissing(Exception exception);

    /// <summary>The database's error code for the log, a state or a number; null if there is none.</summary>
    string? CodeOf(Exception exception);
}
