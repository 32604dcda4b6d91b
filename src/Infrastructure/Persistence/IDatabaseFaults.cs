namespace Secrets.Infrastructure.Persistence;

/// <summary>Classifies a provider's exceptions.</summary>
internal interface IDatabaseFaults
{
    /// <summary>The unique index that refused a row; null if the exception has another cause.</summary>
    string? UniqueIndexOf(Exception exception);

    /// <summary>
    /// Whether a retry may succeed: the database is unreachable, starting, stopping, read-only, or out of connections or space, or the transaction
    /// lost a conflict with another.
    /// </summary>
    bool IsUnavailable(Exception exception);

    /// <summary>The database's error code for the log, a state or a number; null if there is none.</summary>
    string? CodeOf(Exception exception);
}
