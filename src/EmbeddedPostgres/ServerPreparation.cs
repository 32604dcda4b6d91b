using Microsoft.Extensions.Logging;

namespace Secrets.EmbeddedPostgres;

/// <summary>Finds and makes all that a server needs, and holds the data directory for it.</summary>
internal sealed partial class ServerPreparation(EmbeddedOptions options, ILogger logger, TimeProvider clock)
{
    /// <summary>The data directory in the answer is the caller's to dispose.</summary>
    public async Task<ServerSetup> PrepareAsync(CancellationToken cancellationToken)
    {
        var settings = new ServerSettings(options.Settings);
        var path = options.DataDirectoryPath();
        var (data, account) = await DataDirectory.OpenAsync(path, clock, cancellationToken);
        try
        {
            var binaries = await PostgresBinaries.FindAsync(options, data.ClusterMajor(), clock, cancellationToken);
            account = await new LeftoverServer(data.Cluster, binaries, logger, clock).RemoveAsync(account, cancellationToken);
            var sockets = await SocketDirectory.MakeAsync(path, account, clock, cancellationToken);

            account = await account.ReachingAsync(
                binaries, [data.Log.Path, .. sockets is null ? [] : new[] { sockets.Path }], cancellationToken);
            if (account.ReadsAnything)
            {
                LogReadsAnything(logger, path);
            }

            var address = ServerAddress.Choose(sockets);
            if (data.ClusterMajor() is null)
            {
                await new ClusterInitializer(data, binaries, account, options.ThrowAway, logger).RunAsync(cancellationToken);
            }

            LogStarting(logger, binaries.Major, binaries.Directory, path);
            return new ServerSetup(data, binaries, account, address, settings);
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{DataDirectory} or the database's programs are below a directory that only root can enter: the server's account gets the capability dac_read_search. A directory that every account can enter is better")]
    private static partial void LogReadsAnything(ILogger logger, string dataDirectory);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Starting PostgreSQL {Major} from {Binaries} in {DataDirectory}")]
    private static partial void LogStarting(ILogger logger, int major, string binaries, string dataDirectory);
}
