using Microsoft.Extensions.Logging;

namespace Secrets.EmbeddedPostgres;

/// <summary>Everything that a server needs to run; <see cref="ServerPreparation"/> makes it.</summary>
/// <param name="Data">The data directory, locked.</param>
/// <param name="Binaries">The server's programs.</param>
/// <param name="Account">The account that the server runs as.</param>
/// <param name="Address">Where the server listens.</param>
/// <param name="Settings">The settings of its command line.</param>
/// <param name="ThroughPgCtl">Whether pg_ctl starts the server even where setsid could.</param>
internal sealed record ServerSetup(
    DataDirectory Data, PostgresBinaries Binaries, ServerAccount Account, ServerAddress Address, ServerSettings Settings, bool ThroughPgCtl)
{
    public PgCtl PgCtl => new(Data.Cluster, Binaries, Account);

    public List<string> Arguments() => Settings.Arguments(Address);
}

/// <summary>Finds or creates everything that a server needs.</summary>
internal static partial class ServerPreparation
{
    /// <summary>Prepares a start. The caller disposes the data directory, which releases its lock.</summary>
    public static async Task<ServerSetup> PrepareAsync(EmbeddedOptions options, ILogger logger, TimeProvider clock, CancellationToken cancellationToken)
    {
        var settings = new ServerSettings(options.Settings);
        var path = options.DataDirectoryPath();
        var (data, account) = await DataDirectory.OpenAsync(path, clock, cancellationToken);
        try
        {
            var binaries = await PostgresBinaries.FindAsync(options, data.ClusterMajor(), clock, cancellationToken);
            account = await new LeftoverServer(data.Cluster, binaries, logger, clock).RemoveAsync(account, cancellationToken);
            var sockets = await SocketDirectory.CreateAsync(path, account, clock, cancellationToken);

            account = await account.WithAccessToAsync(binaries, [data.Log.Path, .. sockets is null ? [] : new[] { sockets.Path }], cancellationToken);
            if (account.HasDacReadSearch)
            {
                LogDacReadSearch(logger, path);
            }

            var address = ServerAddress.For(sockets);
            if (data.ClusterMajor() is null)
            {
                await new ClusterInitializer(data, binaries, account, options.ThrowAway, logger).RunAsync(cancellationToken);
            }

            LogStarting(logger, binaries.Major, binaries.Directory, path);
            return new ServerSetup(data, binaries, account, address, settings, options.ThroughPgCtl);
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{DataDirectory} or the database's programs are below a directory that only root can enter: the server's account gets the capability dac_read_search. Prefer a directory that every account can enter")]
    private static partial void LogDacReadSearch(ILogger logger, string dataDirectory);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Starting PostgreSQL {Major} from {Binaries} in {DataDirectory}")]
    private static partial void LogStarting(ILogger logger, int major, string binaries, string dataDirectory);
}
