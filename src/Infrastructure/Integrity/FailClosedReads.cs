using System.Data.Common;
using Microsoft.Extensions.Logging;
using Secrets.Application.Common;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Integrity;

/// <summary>Reads that ask the audit too. Where the audit cannot be read, nothing is certain, and the service is as unavailable as where it cannot be written.</summary>
internal sealed partial class FailClosedReads(ILogger<FailClosedReads> logger)
{
    /// <summary>The result of a read.</summary>
    /// <exception cref="UnavailableException">The database refuses the statement.</exception>
    public async Task<T> OrUnavailableAsync<T>(SecretsDbContext db, Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception exception) when (exception.Find<DbException>() is not null && !db.Faults.IsUnavailable(exception))
        {
            Failed(exception.GetType().Name, db.Faults.CodeOf(exception));
            throw new UnavailableException();
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Rows and the audit cannot be read: {Failure}, code {Code}")]
    private partial void Failed(string failure, string? code);
}
