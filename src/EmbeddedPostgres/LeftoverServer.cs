using Microsoft.Extensions.Logging;

namespace Secrets.EmbeddedPostgres;

/// <summary>A server or a pid file that an earlier run left in the cluster.</summary>
internal sealed partial class LeftoverServer(string cluster, PostgresBinaries binaries, ILogger logger, TimeProvider clock)
{
    /// <summary>Stops the server and removes a stale pid file.</summary>
    /// <returns>The given account, with more rights if stopping the server took them.</returns>
    /// <exception cref="StartupException">The server does not stop, or its pid file cannot be read.</exception>
    public async Task<ServerAccount> RemoveAsync(ServerAccount account, CancellationToken cancellationToken)
    {
        if (!Path.Exists(PostmasterFile.PathIn(cluster)))
        {
            return account;
        }

        // We hold the lock of the directory, so the service that started this server is gone.
        var file = Read();
        if (file is null)
        {
            // Empty or incomplete: the machine went down during the write, or a server is writing the file now.
            await Task.Delay(TimeSpan.FromMilliseconds(300), clock, cancellationToken);
            file = Read();
            if (file is null)
            {
                File.Delete(PostmasterFile.PathIn(cluster));
                return account;
            }
        }

        var owner = await file.OwnerAsync(cluster, account, cancellationToken);
        if (owner is PidOwner.Unknown)
        {
            account = await account.WithAccessToAsync(binaries, [cluster], cancellationToken);
            owner = await file.OwnerAsync(cluster, account, cancellationToken);
        }

        switch (owner)
        {
            case PidOwner.OtherProgram:
                LogStalePid(logger, file.Pid, cluster);
                File.Delete(PostmasterFile.PathIn(cluster));
                return account;
            case PidOwner.NoProcess:
                return account; // PostgreSQL handles this file itself, and looks for sessions that outlived the server
            case PidOwner.Unknown:
                return account; // PostgreSQL refuses to start beside this process, and its message is passed on
        }

        LogOrphan(logger, file.Pid, cluster);
        account = await account.WithAccessToAsync(binaries, [cluster], cancellationToken);
        var pgCtl = new PgCtl(cluster, binaries, account);
        if (!await pgCtl.StopAsync("fast", 20, cancellationToken) && !await pgCtl.StopAsync("immediate", 10, cancellationToken))
        {
            throw new StartupException(
                $"The database server that an earlier run left in {cluster} (process {file.Pid}) does not stop: end that process, then start again.");
        }

        return account;
    }

    // An unreadable file is not removed as if it were incomplete: only this file keeps a second server out.
    private PostmasterFile? Read()
    {
        try
        {
            return PostmasterFile.Read(cluster);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new StartupException(
                $"The account {Environment.UserName} cannot see whether a server still runs in {cluster}: {exception.Message} "
                + "Run the service as the account that created the data directory.",
                exception);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "An earlier run left its database server (process {Pid}) in {Cluster}. Stopping the server")]
    private static partial void LogOrphan(ILogger logger, int pid, string cluster);

    [LoggerMessage(Level = LogLevel.Information, Message = "The process id {Pid} in {Cluster}/postmaster.pid belongs to another program now. Removing the file")]
    private static partial void LogStalePid(ILogger logger, int pid, string cluster);
}
