using System.ComponentModel;
using System.Data.Common;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Uses the database at start or for a migration, and explains failures in one sentence.</summary>
internal sealed class StartupDatabase(SecretsDbContext db, IDatabaseFaults faults)
{
    /// <summary>Runs an action that needs the database.</summary>
    /// <exception cref="StartupException">The database is unreachable or returned an error.</exception>
    public async Task UseAsync(Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (Exception exception) when (FindDatabaseException(exception) is not null || faults.IsUnavailable(exception))
        {
            // A connection string with several servers has no single name.
            var server = db.Database.GetDbConnection().DataSource is { Length: > 0 } name ? $" at {name}" : "";
            throw new StartupException($"The database{server} cannot be used: {Reason(FindDatabaseException(exception) ?? exception).ReplaceLineEndings(" ")}", exception);
        }
    }

    /// <summary>Finds the driver's exception inside wrappers without information; null if the cause is not the database.</summary>
    private static Exception? FindDatabaseException(Exception exception) => (Exception?)exception.Find<DbException>() ?? exception.Find<UnavailableException>();

    /// <summary>The driver's message and its root cause, unless the cause repeats the message or is no more than "success".</summary>
    private static string Reason(Exception exception) => exception.GetBaseException() switch
    {
        UnavailableException => "it does not answer.",
        Win32Exception { NativeErrorCode: 0 } => exception.Message,
        var cause when exception.Message.Contains(cause.Message, StringComparison.Ordinal) => exception.Message,
        var cause => $"{exception.Message} ({cause.Message})",
    };
}
