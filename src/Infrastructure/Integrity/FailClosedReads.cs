using System.Data.Common;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Integrity;

/// <summary>Wraps reads that compare rows with the audit. If the audit cannot be read, no row is trusted and the request fails with 503.</summary>
internal sealed partial class FailClosedReads(ILogger<FailClosedReads> logger)
{
    /// <summary>Runs a read.</summary>
    /// <exception cref="UnavailableException">The statement failed in a database that answers, for example because a table is missing.</exception>
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
