using System.Data.Common;
using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>
/// Limits the wait for a connection to the timeout in the connection string. The pool opens connections one after the other and times each attempt alone:
/// with a silent server, the twentieth caller would wait twenty timeouts.
/// </summary>
internal sealed class OpenTimeoutInterceptor : DbConnectionInterceptor
{
    public static readonly OpenTimeoutInterceptor Instance = new();

    // Lets the driver's own, more precise error come first.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    /// <summary>Opens without the driver's retries, like the asynchronous method. Only the driver limits the wait of the few synchronous reads.</summary>
    public override InterceptionResult ConnectionOpening(DbConnection connection, ConnectionEventData eventData, InterceptionResult result)
    {
        if (connection.ConnectionTimeout == 0 || result.IsSuppressed)
        {
            return result; // 0: no limit
        }

        try
        {
            ((SqlConnection)connection).Open(SqlConnectionOverrides.OpenWithoutRetry);
        }
        catch (Exception exception) when (SqlServerFaults.IsConnectionClosed(exception))
        {
            throw new UnavailableException();
        }

        return InterceptionResult.Suppress();
    }

    public override async ValueTask<InterceptionResult> ConnectionOpeningAsync(
        DbConnection connection, ConnectionEventData eventData, InterceptionResult result, CancellationToken cancellationToken = default)
    {
        if (connection.ConnectionTimeout == 0 || result.IsSuppressed)
        {
            return result; // 0: no limit
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(connection.ConnectionTimeout) + Grace);
        try
        {
            // With retries, the driver repeats a refused login after ten seconds, and no other caller gets a connection meanwhile.
            await ((SqlConnection)connection).OpenAsync(SqlConnectionOverrides.OpenWithoutRetry, limit.Token);
        }
        catch (Exception exception) when (
            SqlServerFaults.IsConnectionClosed(exception) || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // The pool is exhausted, or the server is silent. An immediate retry would not help.
            throw new UnavailableException();
        }

        return InterceptionResult.Suppress();
    }
}
