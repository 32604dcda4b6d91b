using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>Throws the cancellation of a cancelled statement, which the driver reports as a server error.</summary>
internal sealed class CancellationInterceptor : DbCommandInterceptor
{
    public static readonly CancellationInterceptor Instance = new();

    public override Task CommandCanceledAsync(DbCommand command, CommandEndEventData eventData, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.CompletedTask;
    }
}
