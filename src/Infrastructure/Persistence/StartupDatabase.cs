using System.ComponentModel;
using System.Data.Common;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Uses the database at start or for a migration, and explains failures in one sentence.</summary>
internal sealed partial class StartupDatabase(
    SecretsDbContext db, IDatabaseFaults faults, IOptions<DatabaseOptions> options, TimeProvider time, ILogger<StartupDatabase> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Waits for the server as long as the settings say, and runs an action that needs the database.</summary>
    /// <exception cref="StartupException">The database is unreachable, does not exist or returned an error.</exception>
    public async Task UseAsync(Func<Task> act, CancellationToken cancellationToken)
    {
        try
        {
            await WaitAsync(cancellationToken);
            await act();
        }
        catch (Exception exception) when (faults.IsMissing(exception))
        {
            var connection = db.Database.GetDbConnection();
            throw new StartupException(
                $"The database {connection.Database} at {connection.DataSource} does not exist, is not open yet, or the user may not open it. If it does not exist, create it, or run `Secrets.Api migrate --create-database`.",
                exception);
        }
        catch (Exception exception) when (FindDatabaseException(exception) is not null || faults.IsUnavailable(exception, cancellationToken))
        {
            // A connection string with several servers has no single name.
            var server = db.Database.GetDbConnection().DataSource is { Length: > 0 } name ? $" at {name}" : "";
            throw new StartupException($"The database{server} cannot be used: {Reason(FindDatabaseException(exception) ?? exception).ReplaceLineEndings(" ")}", exception);
        }
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        for (var isFirst = true; options.Value.WaitSeconds > 0; isFirst = false)
        {
            try
            {
                await db.Database.OpenConnectionAsync(cancellationToken);
                await db.Database.CloseConnectionAsync();
                return;
            }
            catch (Exception exception) when (
                faults.IsUnavailable(exception, cancellationToken) && time.GetElapsedTime(begun) < TimeSpan.FromSeconds(options.Value.WaitSeconds))
            {
                if (isFirst)
                {
                    Waiting(options.Value.WaitSeconds);
                }

                await Task.Delay(Pause, time, cancellationToken);
            }
            catch (Exception exception) when (faults.IsMissing(exception))
            {
                return; // The server answers. A migration may create the database; any other action fails in its turn.
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The database does not answer. The start waits for it, {Seconds} seconds at most")]
    private partial void Waiting(int seconds);

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
