using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.RegularExpressions;
using Microsoft.Data.SqlClient;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>Classifies the error numbers of SQL Server (its documentation, "Database Engine events and errors").</summary>
internal sealed class SqlServerFaults : IDatabaseFaults
{
    private const int DuplicateInUniqueIndex = 2601;
    private const int DuplicateInConstraint = 2627;
    private const int LoginToMissingDatabase = 4060;
    private const int UnknownDatabase = 911;
    private const int SnapshotsNotAllowed = 3952;
    private const int SnapshotsNotAllowedYet = 3956;

    // Classes from here on do not blame the statement: out of memory or space, a damaged file, no connection.
    private const byte ServerInTrouble = 17;

    // Classes from here on end the connection. On Linux, the driver gives most of them no number.
    private const byte ConnectionEnded = 20;

    // Assemblies and types of sockets and TLS.
    private const string Streams = "System.Net.";

    // Errors of lower classes after which a retry may succeed.
    private static readonly HashSet<int> Transient =
    [
        -2, // a statement or a connection attempt timed out
        0, // reported by the driver itself: the statement was cancelled, or its connection ended
        921, 922, 926, 927, 942, 945, 952, // the database is recovering, restoring, suspect, offline or changing its state
        954, 955, 956, 976, 978, 979, 982, 983, 988, // this replica does not serve the database now
        1205, // deadlock victim
        1222, // lock timeout
        3906, // the database is read-only
        3908, // the database is in emergency mode
        3935, 3960, 3961, 3966, // snapshot conflict
        3958, // tempdb is full, and a reader lacks a row version
        4060, // login to a database that is not open
        4221, // login to a secondary that waits for row versions
        5061, 5070, // the database is being altered
        6005, // the server is shutting down
        10928, 10929, 10936, // out of workers or sessions
        14355, 17142, 17197, // the server is starting or paused
        18401, 18456, // login while the server starts or is upgraded; a wrong password has the same number
        18461, 18470, 18486, 18487, 18488, // login while the server is repaired, or with a disabled, locked or expired login
        40197, 40501, 40613, 49918, 49919, 49920, // Azure moves the database, throttles it or is not ready
        40549, 40550, 40551, 40552, 40553, // Azure ends a session that uses too much time, locks, tempdb, log or memory
        41301, 41302, 41305, 41325, 41839, // conflict of an in-memory transaction
    ];

    /// <summary>Whether snapshots are disabled, or not enabled yet.</summary>
    public static bool IsSnapshotRefused(SqlException exception) => Errors(exception).Any(error => error.Number is SnapshotsNotAllowed or SnapshotsNotAllowedYet);

    /// <summary>Whether the connection was lost or could not be opened.</summary>
    public static bool IsConnectionLost(SqlException exception) => Errors(exception).Any(error => error.Class >= ConnectionEnded);

    /// <summary>Whether the driver reports that a connection in use was closed, or that its pool is exhausted.</summary>
    public static bool IsConnectionClosed(Exception exception) => exception.Find<InvalidOperationException>(IsFromDriver) is not null;

    /// <summary>Whether a socket or a TLS stream ended. The driver does not wrap all of their exceptions.</summary>
    public static bool IsStreamEnded(Exception exception) =>
        exception.Find<SocketException>() is not null
        || exception.Find<ObjectDisposedException>(closed => closed.ObjectName.StartsWith(Streams, StringComparison.Ordinal)) is not null
        || exception.Find<IOException>(broken => broken.Source?.StartsWith(Streams, StringComparison.Ordinal) == true) is not null
        || exception.Find<AuthenticationException>() is not null;

    // Only the message names the index, in the language of the login. The repeated values in it are bytes in hexadecimal.
    public string? UniqueIndexOf(Exception exception, IEnumerable<string> known) =>
        exception.Find<SqlException>() is { } refused
        && Errors(refused).FirstOrDefault(error => error.Number is DuplicateInUniqueIndex or DuplicateInConstraint) is { } error
            ? known.Where(name => IsNamed(name, error.Message)).MaxBy(name => name.Length) ?? "(unknown)"
            : null;

    public bool IsUnavailable(Exception exception) => exception.Find<SqlException>() is { } refused
        ? Errors(refused).Any(error => error.Class >= ServerInTrouble || Transient.Contains(error.Number))
        : IsStreamEnded(exception)
            || IsConnectionClosed(exception)
            || IsReadCancelled(exception)
            || IsDriverBug(exception);

    public bool IsMissing(Exception exception) =>
        exception.Find<SqlException>() is { } refused && Errors(refused).Any(error => error.Number is LoginToMissingDatabase or UnknownDatabase);

    public string? CodeOf(Exception exception) => exception.Find<SqlException>()?.Number.ToString(CultureInfo.InvariantCulture);

    // The driver cancels a read by itself if its connection ended after the previous read. Callers rule out their own cancellation first.
    private static bool IsReadCancelled(Exception exception) => exception.Find<OperationCanceledException>() is not null;

    // A bug of the driver: disposing a transaction whose connection ends throws a NullReferenceException.
    private static bool IsDriverBug(Exception exception) => exception.Find<NullReferenceException>(IsFromDriver) is not null;

    private static bool IsFromDriver(Exception exception) =>
        string.Equals(exception.Source, typeof(SqlConnection).Assembly.GetName().Name, StringComparison.Ordinal);

    private static IEnumerable<SqlError> Errors(SqlException exception) => exception.Errors.Cast<SqlError>();

    // Babelfish appends the name of the table and a hash to the name of an index. A dot follows the name of a schema, which may look like that of an index.
    private static bool IsNamed(string index, string message) =>
        Regex.IsMatch(message, $@"(?<![\w.]){Regex.Escape(index)}\w*(?![\w.])", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
}
