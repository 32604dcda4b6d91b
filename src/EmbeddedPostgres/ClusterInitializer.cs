using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace Secrets.EmbeddedPostgres;

/// <summary>Creates the cluster and the password at the first start.</summary>
internal sealed partial class ClusterInitializer(DataDirectory data, PostgresBinaries binaries, ServerAccount account, bool throwAway, ILogger logger)
{
    // initdb writes to a staging directory, and only a finished cluster is renamed to `pgdata`. So `pgdata` is complete or absent after any interruption.
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (Directory.Exists(data.Cluster))
        {
            if (Directory.EnumerateFileSystemEntries(data.Cluster).Any())
            {
                throw new StartupException(
                    $"{data.Cluster} contains files but no PostgreSQL cluster (PG_VERSION is missing): move the directory away, "
                    + "or restore it from a backup. Nothing was changed.");
            }

            Directory.Delete(data.Cluster);
        }

        LogInitializing(logger, data.Cluster);
        var staging = data.NewStaging();
        var password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        try
        {
            PrivateFiles.CreateDirectory(staging);
            var passwordFile = Path.Combine(staging, "password");
            PrivateFiles.Write(passwordFile, password);
            var cluster = Path.Combine(staging, "pgdata");
            string[] command =
            [
                binaries.InitDb, "-D", cluster, $"--username={ServiceRole.Superuser}", $"--pwfile={passwordFile}",
                "--auth-local=scram-sha-256", "--auth-host=scram-sha-256",
                "--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions",
                .. throwAway ? ["--no-sync"] : Array.Empty<string>(),
            ];
            var run = await account.RunInitDbAsync(staging, cluster, command, cancellationToken);
            if (!run.Succeeded)
            {
                throw new StartupException($"The embedded PostgreSQL could not create its cluster in {data.Path}: {run.Tail}");
            }

            data.WritePassword(password);
            Directory.Move(cluster, data.Cluster);
        }
        finally
        {
            data.RemoveStaging();
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "First start: creating the embedded database in {Cluster}")]
    private static partial void LogInitializing(ILogger logger, string cluster);
}
