using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>Says of a statement whose caller gave it up that it was cancelled: the driver calls it an error of the server's.</summary>
internal sealed class GivenUp : DbCommandInterceptor
{
    public static readonly GivenUp Instance = new();

    public override Task CommandCanceledAsync(DbCommand command, CommandEndEventData eventData, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.CompletedTask;
    }
}
