using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Microsoft.Data.SqlClient;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>What the error numbers of SQL Server mean (its documentation, "Database Engine events and errors").</summary>
internal sealed partial class SqlServerFaults : IDatabaseFaults
{
    private const int DuplicateInUniqueIndex = 2601;
    private const int DuplicateInConstraint = 2627;
    private const int SnapshotsNotAllowed = 3952;
    private const int SnapshotsNotAllowedYet = 3956;

    // From this class on it is not the statement: no memory, no space, a damaged file, no connection.
    private const byte ServerInTrouble = 17;

    // From this class on the connection is no more. On Linux the driver gives most of these no number.
    private const byte ConnectionEnded = 20;

    // Those of a lower class, after which trying again may succeed.
    private static readonly HashSet<int> Passing =
    [
        -2, // the statement timed out, or the connecting
        0, // what the driver itself has to say: the statement was given up, or its connection ended under it
        921, 922, 926, 927, 942, 945, 952, // the database is being recovered or restored, suspect, offline or on its way to another state
        954, 955, 956, 976, 978, 979, 982, 983, 988, // this replica does not serve it now
        1205, // chosen as the victim of a deadlock
        1222, // a lock was not to be had in time
        3906, // the database is read-only
        3908, // the database is in emergency mode
        3935, 3960, 3961, 3966, // a snapshot was overtaken
        4060, // a log in to a database that is not open
        4221, // a log in to a secondary that waits for row versions
        5061, 5070, // the database is being altered
        6005, // the server shuts down
        10928, 10929, 10936, // out of workers or sessions
        14355, 17142, 17197, // the server starts or is paused
        18401, 18456, // a log in while the server starts or is upgraded, which cannot be told from a wrong password
        40197, 40501, 40613, 49918, 49919, 49920, // Azure moves, throttles or is not ready
        41301, 41302, 41305, 41325, 41839, // a transaction in memory was overtaken
    ];

    /// <summary>Whether the database does not allow snapshots, or not yet.</summary>
    public static bool IsSnapshotRefused(SqlException exception) => Errors(exception).Any(error => error.Number is SnapshotsNotAllowed or SnapshotsNotAllowedYet);

    /// <summary>Whether the connection was lost, or there was none to be had.</summary>
    public static bool IsConnectionLost(SqlException exception) => Errors(exception).Any(error => error.Class >= ConnectionEnded);

    /// <summary>Whether the driver says that a connection that it was using is no longer one, or that its pool has none.</summary>
    public static bool IsConnectionClosed(Exception exception) => exception.Find<InvalidOperationException>() is { } refused && IsOfDriver(refused);

    // The number says that it is one, and only the message says which, in the language of the log in. The names of ours can be told from all
    // of its other words, and the values that it repeats are bytes in hexadecimal.
    public string? UniqueIndexOf(Exception exception) =>
        exception.Find<SqlException>() is { } refused
        && Errors(refused).FirstOrDefault(error => error.Number is DuplicateInUniqueIndex or DuplicateInConstraint) is { } error
            ? IndexName().Match(error.Message) is { Success: true } name ? name.Value : "(unknown)"
            : null;

    public bool IsUnavailable(Exception exception) => exception.Find<SqlException>() is { } refused
        ? Errors(refused).Any(error => error.Class >= ServerInTrouble || Passing.Contains(error.Number))
        : exception.Find<SocketException>() is not null
            || IsConnectionClosed(exception)
            || IsStumble(exception);

    public string? CodeOf(Exception exception) => exception.Find<SqlException>()?.Number.ToString(CultureInfo.InvariantCulture);

    // The driver trips over a transaction whose connection ends while the transaction is put away.
    private static bool IsStumble(Exception exception) => exception.Find<NullReferenceException>() is { } stumble && IsOfDriver(stumble);

    private static bool IsOfDriver(Exception exception) =>
        string.Equals(exception.Source, typeof(SqlConnection).Assembly.GetName().Name, StringComparison.Ordinal);

    private static IEnumerable<SqlError> Errors(SqlException exception) => exception.Errors.Cast<SqlError>();

    [GeneratedRegex(@"\b(ux|pk)_[a-z_]+\b", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex IndexName();
}
