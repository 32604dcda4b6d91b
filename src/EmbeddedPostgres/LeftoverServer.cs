using Microsoft.Extensions.Logging;
using Secrets.Infrastructure.Foundation;

namespace Secrets.EmbeddedPostgres;

/// <summary>What a server that is no longer ours left in the cluster: itself, or its pid file.</summary>
internal sealed partial class LeftoverServer(string cluster, PostgresBinaries binaries, ILogger logger, TimeProvider clock)
{
    /// <summary>Answers the account that could do it: the given one, or that one with more rights.</summary>
    public async Task<ServerAccount> RemoveAsync(ServerAccount account, CancellationToken cancellationToken)
    {
        if (!Path.Exists(PostmasterFile.PathIn(cluster)))
        {
            return account;
        }

        // We hold the lock of the directory, so a server in it has lost the process that it belonged to.
        var file = Read();
        if (file is null)
        {
            // Empty or torn: the machine went down as it was written, or a server is writing it right now.
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
            account = await account.ReachingAsync(binaries, [cluster], cancellationToken);
            owner = await file.OwnerAsync(cluster, account, cancellationToken);
        }

        switch (owner)
        {
            case PidOwner.Stranger:
                LogStalePid(logger, file.Pid, cluster);
                File.Delete(PostmasterFile.PathIn(cluster));
                return account;
            case PidOwner.Nobody:
                return account; // the server recognises this by itself, and looks for processes that outlived the old one
            case PidOwner.Unknown:
                return account; // the server refuses to start beside it, and its words are passed on
        }

        LogOrphan(logger, file.Pid, cluster);
        account = await account.ReachingAsync(binaries, [cluster], cancellationToken);
        var control = new ServerControl(cluster, binaries, account);
        if (!await control.StopAsync("fast", 20, cancellationToken) && !await control.StopAsync("immediate", 10, cancellationToken))
        {
            throw new StartupException(
                $"A server that an earlier run left in {cluster} (process {file.Pid}) does not stop: end it, then start again.");
        }

        return account;
    }

    // What cannot be read is not taken for torn, and removed: it is all that keeps a second server out.
    private PostmasterFile? Read()
    {
        try
        {
            return PostmasterFile.Read(cluster);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new StartupException(
                $"Whether a server still runs in {cluster} cannot be told by the account {Environment.UserName}: {exception.Message} "
                + "Run the service as the account that made it.",
                exception);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "An earlier run left its database server (process {Pid}) in {Cluster}: stopping it")]
    private static partial void LogOrphan(ILogger logger, int pid, string cluster);

    [LoggerMessage(Level = LogLevel.Information, Message = "The process number {Pid} in {Cluster}/postmaster.pid belongs to another program now: removing the file")]
    private static partial void LogStalePid(ILogger logger, int pid, string cluster);
}
