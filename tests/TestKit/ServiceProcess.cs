using System.Diagnostics;
using System.Globalization;

namespace Secrets.TestKit;

/// <summary>
/// The service in a separate process, as in production: started, killed, started again. Each start compiles the service again, which takes seconds of
/// processor time. Use <see cref="ServiceInProcess"/> unless a test needs a process.
/// </summary>
public sealed class ServiceProcess : RunningService
{
    private readonly Process _process;

    private ServiceProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
    }

    public int Id => _process.Id;

    protected override bool HasEnded => _process.HasExited;

    /// <summary>
    /// Starts the service on a free port of loopback. Settings are environment variables; null removes a variable that the tests
    /// inherited.
    /// </summary>
    public static ServiceProcess Start(IReadOnlyDictionary<string, string?> settings, params string[] arguments) =>
        Start(Path.Combine(AppContext.BaseDirectory, "Secrets.Api.dll"), settings, arguments);

    /// <summary>The same with another build of the service.</summary>
    public static ServiceProcess Start(string assembly, IReadOnlyDictionary<string, string?> settings, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [assembly, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = Path.GetDirectoryName(assembly),
        };
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";

        // Same setting as the tests (tests/Directory.Build.props).
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        foreach (var (name, value) in settings)
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        var service = new ServiceProcess(process);
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return service;
    }

    /// <summary>Kills the service like a power cut (kill -9), but not its children.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: false);
        await _process.WaitForExitAsync();
    }

    protected override async Task<int> EndAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    protected override async Task AskToStopAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    protected override void Release() => _process.Dispose();
}
