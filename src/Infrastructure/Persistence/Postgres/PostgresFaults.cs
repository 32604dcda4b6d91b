using System.Data.Common;
using System.Net.Sockets;
using Npgsql;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Classifies the error codes of PostgreSQL (its manual, appendix "Error Codes").</summary>
internal sealed class PostgresFaults : IDatabaseFaults
{
    // Missing in the driver's list. The server ends the session with either.
    private const string IdleInTransactionTimeout = "25P03";
    private const string TransactionTimeout = "25P04";

    public string? UniqueIndexOf(Exception exception, IEnumerable<string> known) =>
        exception.Find<PostgresException>() is { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: { } index } ? index : null;

    public bool IsUnavailable(Exception exception) => exception.Find<DbException>() switch
    {
        NpgsqlException { IsTransient: true } => true,
        PostgresException refused => IsUnavailable(refused.SqlState),
        NpgsqlException { InnerException: SocketException or IOException or TimeoutException } => true,
        _ => exception.Find<SocketException>() is not null || IsDriverBug(exception),
    };

    public bool IsMissing(Exception exception) => exception.Find<PostgresException>() is { SqlState: PostgresErrorCodes.InvalidCatalogName };

    public string? CodeOf(Exception exception) => exception.Find<PostgresException>()?.SqlState;

    // A bug of the driver: if a session ends during a write, it throws a NullReferenceException that does not mention the connection.
    private static bool IsDriverBug(Exception exception) => exception.Find<NullReferenceException>() is { Source: "Npgsql" };

    private static bool IsUnavailable(string state) =>
        state is PostgresErrorCodes.ReadOnlySqlTransaction
            or PostgresErrorCodes.SerializationFailure
            or PostgresErrorCodes.DeadlockDetected
            or PostgresErrorCodes.LockNotAvailable
            or PostgresErrorCodes.QueryCanceled
            or PostgresErrorCodes.AdminShutdown
            or PostgresErrorCodes.CrashShutdown
            or PostgresErrorCodes.CannotConnectNow
            or PostgresErrorCodes.IoError
            or PostgresErrorCodes.IdleSessionTimeout
            or IdleInTransactionTimeout
            or TransactionTimeout
            || state.StartsWith("08", StringComparison.Ordinal) // connection exceptions
            || state.StartsWith("53", StringComparison.Ordinal); // insufficient resources
}
