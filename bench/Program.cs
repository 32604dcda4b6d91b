using System.Globalization;
using System.Runtime.InteropServices;
using Secrets.Bench;

using var stop = new CancellationTokenSource();
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    if (args is [FloorProcess.Argument, var port])
    {
        await FloorServer.RunAsync(Environment.GetEnvironmentVariable(FloorProcess.Argument)!, int.Parse(port, CultureInfo.InvariantCulture), stop.Token);
        return 0;
    }

    var options = BenchOptions.Parse(args);
    if (options.Help)
    {
        Console.WriteLine(BenchOptions.Usage);
        return 0;
    }

    stop.CancelAfter(TimeSpan.FromMinutes(options.LimitMinutes));
    await (options switch
    {
        { Bounds: true } => BoundsRun.ExecuteAsync(options, stop.Token),
        { Against: not null } or { SqlServer: not null } or { Telemetry: true } or { With.Count: > 0 } => ComparisonRun.ExecuteAsync(options, stop.Token),
        { Resolve: true } => ResolveRun.ExecuteAsync(options, stop.Token),
        { Authenticate: true } => AuthenticationRun.ExecuteAsync(options, stop.Token),
        _ => BenchRun.ExecuteAsync(options, stop.Token),
    });
    return 0;
}
catch (BenchException problem)
{
    await Console.Error.WriteLineAsync(problem.Message);
    return 1;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    await Console.Error.WriteLineAsync("Stopped before the end. All started processes are stopped too.");
    return 130;
}

void Stop(PosixSignalContext context)
{
    // The main path stops the services and removes the temporary directory.
    context.Cancel = true;
    stop.Cancel();
}
