using System.Data.Common;
using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Secrets.Application.Common;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>
/// Has whoever waits for a connection wait no longer than the connection string says. The pool opens one after the other, and counts for each only
/// its own attempt: before a server that is silent, the twentieth in line would wait twenty times as long.
/// </summary>
internal sealed class OpeningLimit : DbConnectionInterceptor
{
    public static readonly OpeningLimit Instance = new();

    // The driver's own account of what went wrong comes first where there is one.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    public override async ValueTask<InterceptionResult> ConnectionOpeningAsync(
        DbConnection connection, ConnectionEventData eventData, InterceptionResult result, CancellationToken cancellationToken = default)
    {
        if (connection.ConnectionTimeout == 0 || result.IsSuppressed)
        {
            return result; // 0: as long as it takes
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(connection.ConnectionTimeout) + Grace);
        try
        {
            // Of a refused log in the driver would make a second attempt, after ten seconds in which nobody else gets a connection either.
            await ((SqlConnection)connection).OpenAsync(SqlConnectionOverrides.OpenWithoutRetry, limit.Token);
        }
        catch (Exception exception) when (
            SqlServerFaults.IsConnectionClosed(exception) || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // The pool has none, or who is silent has been waited for long enough: neither is to be tried again at once.
            throw new UnavailableException();
        }

        return InterceptionResult.Suppress();
    }
}
