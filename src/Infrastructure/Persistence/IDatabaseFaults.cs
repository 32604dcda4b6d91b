namespace Secrets.Infrastructure.Persistence;

/// <summary>What a provider's exceptions mean.</summary>
public interface IDatabaseFaults
{
    /// <summary>The unique index that refused a row; null when the exception says something else.</summary>
    string? UniqueIndexOf(Exception exception);

    /// <summary>
    /// Whether the database cannot serve at the moment: unreachable, starting, stopping, read-only, out of connections or space, or
    /// this transaction lost to another. Trying again later may succeed.
    /// </summary>
    bool IsUnavailable(Exception exception);

    /// <summary>What the database calls its error, a state or a number, for the log; null when it said nothing.</summary>
    string? CodeOf(Exception exception);
}
