using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Secrets.Bench;

/// <summary>The process of the floors of a resolve (<see cref="FloorServer"/>), on the database of a running service.</summary>
internal sealed class FloorProcess : ITarget, IDisposable
{
    public const string Argument = "--floors";

    private readonly Process _process;
    private readonly int _postmaster;

    private FloorProcess(Process process, int port, int postmaster)
    {
        _process = process;
        _postmaster = postmaster;
        Port = port;
    }

    public int Port { get; }

    public string LastWords => "";

    public static async Task<FloorProcess> StartAsync(Workspace workspace, CancellationToken cancellationToken)
    {
        var port = Service.FreePort();
        var start = new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            [typeof(FloorProcess).Assembly.Location, Argument, port.ToString(CultureInfo.InvariantCulture)])
        {
            UseShellExecute = false,
        };
        start.Environment[Argument] = workspace.FloorConnectionString;
        var floors = new FloorProcess(Process.Start(start)!, port, workspace.Postmaster());
        try
        {
            for (var attempt = 0; attempt < 1_000; attempt++)
            {
                try
                {
                    using var connection = await HttpConnection.OpenAsync(port, cancellationToken);
                    return floors;
                }
                catch (SocketException)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(20), cancellationToken);
                }
            }

            throw new BenchException("The process of the floors did not start.");
        }
        catch
        {
            floors.Dispose();
            throw;
        }
    }

    public ProcessorTime ProcessorTime() => Bench.ProcessorTime.Read(_process, _postmaster);

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
