using System.Diagnostics;
using System.Globalization;

namespace Secrets.EmbeddedPostgres;

/// <summary>The program pg_ctl, on one cluster.</summary>
internal sealed class ServerControl(string cluster, PostgresBinaries binaries, ServerAccount account)
{
    public ProcessStartInfo DescribeStart(string output, IEnumerable<string> settings)
    {
        var arguments = string.Join(' ', settings.Select(argument => argument is "-c" ? argument : Quote(argument)));
        return Command.Describe(account.Prefixed(
            binaries.Control, "start", "-s", "-w", "-t", "600", "-D", cluster, "-l", output, "-o", arguments));
    }

    /// <summary>It signals whatever number the pid file holds: ask <see cref="PostmasterFile"/> first whose that is.</summary>
    public async Task<bool> StopAsync(string mode, int seconds, CancellationToken cancellationToken)
    {
        var run = await account.RunAsync(
            TimeSpan.FromSeconds(seconds + 5), cancellationToken,
            binaries.Control, "stop", "-s", "-w", "-m", mode, "-t", seconds.ToString(CultureInfo.InvariantCulture), "-D", cluster);
        return run.Succeeded;
    }

    private static string Quote(string argument) =>
        OperatingSystem.IsWindows()
            ? $"\"{argument.Replace("\"", "\\\"", StringComparison.Ordinal)}\""
            : $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
