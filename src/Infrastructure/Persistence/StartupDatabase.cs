using System.ComponentModel;
using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Secrets.Application.Common;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence;

/// <summary>The database of a start or a migration, which says in one sentence why it cannot be used.</summary>
internal sealed class StartupDatabase(SecretsDbContext db, IDatabaseFaults faults)
{
    /// <summary>Does what needs the database.</summary>
    /// <exception cref="StartupException">The database is out of reach, or refused something.</exception>
    public async Task UseAsync(Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (Exception exception) when (Words(exception) is not null || faults.IsUnavailable(exception))
        {
            // Among several servers there is none to name.
            var server = db.Database.GetDbConnection().DataSource is { Length: > 0 } name ? $" at {name}" : "";
            throw new StartupException($"The database{server} cannot be used: {Reason(Words(exception) ?? exception).ReplaceLineEndings(" ")}", exception);
        }
    }

    /// <summary>The driver's exception, without those around it, which say no more than what was to be done; null when it is not about a database.</summary>
    private static Exception? Words(Exception exception) => (Exception?)exception.Find<DbException>() ?? exception.Find<UnavailableException>();

    /// <summary>What the driver says, and what lies beneath, which may be the same or no more than "success".</summary>
    private static string Reason(Exception exception) => exception.GetBaseException() switch
    {
        UnavailableException => "it does not answer.",
        Win32Exception { NativeErrorCode: 0 } => exception.Message,
        var cause when exception.Message.Contains(cause.Message, StringComparison.Ordinal) => exception.Message,
        var cause => $"{exception.Message} ({cause.Message})",
    };
}
