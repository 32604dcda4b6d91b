using System.Globalization;

namespace Secrets.Bench;

/// <summary>Resolves against their floors, at several sizes and numbers of connections, in one run.</summary>
internal sealed class ResolveRun(BenchOptions options, Workspace workspace, Service service, ResolveReport report, CancellationToken cancellationToken)
{
    public static readonly IReadOnlyList<int> Connections = [32, 128];

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    private readonly List<Owner> _owners = [];

    public static async Task ExecuteAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        using var workspace = new Workspace(options);
        var report = new ResolveReport(options);
        var (service, _) = await Service.StartAsync(workspace, Service.BootstrapKey, cancellationToken);
        await using (service)
        {
            await new ResolveRun(options, workspace, service, report, cancellationToken).MeasureAsync();
        }

        var text = report.ToMarkdown();
        Console.WriteLine(text);
        if (options.Write) await PerformancePage.WriteAsync(ResolveReport.Title, text, cancellationToken);
    }

    private async Task MeasureAsync()
    {
        (report.Server, report.FileSystem) = await workspace.RequireDurabilityAsync(cancellationToken);
        var key = await service.MakeRuntimeAsync(cancellationToken);
        using var floors = await FloorProcess.StartAsync(workspace, cancellationToken);
        foreach (var size in options.Sizes)
        {
            await GrowAsync(size);
            var resolve = new Resolve("/api/v1/secrets/resolve", key, _owners, "\"secret_value\":\"lin_api_"u8.ToArray());
            var select = new Resolve(FloorServer.Select, key, _owners, "\"secret_value\":\"lin_..."u8.ToArray());
            var constant = new Resolve(FloorServer.Constant, key, _owners, "\"secret_value\":"u8.ToArray());
            if (size == options.Sizes[0]) await WarmUpAsync(resolve, cancellationToken);
            foreach (var connections in Connections)
            {
                var (served, floored) = (new LoadGenerator(service, connections), new LoadGenerator(floors, connections));
                Say($"{size:N0} stored, {connections} connections");
                await served.RunAsync(resolve, Settling, cancellationToken);
                await floored.RunAsync(select, Settling, cancellationToken);
                await floored.RunAsync(constant, Settling / 2, cancellationToken);
                for (var round = 1; round <= options.Rounds; round++)
                {
                    var of = new ResolveRound(
                        size,
                        connections,
                        await floored.RunAsync(constant, options.Duration / 2, cancellationToken),
                        await floored.RunAsync(select, options.Duration, cancellationToken),
                        await AllocatingAsync(served, resolve));
                    report.Add(of);
                    Say(string.Create(CultureInfo.InvariantCulture, $"  constant {of.Constant.PerSecond:N0}/s, select {of.Select.PerSecond:N0}/s, resolve {of.Resolve.PerSecond:N0}/s: {of.Ratio:0.00}"));
                }
            }

            report.AddMemory(size, service.Memory.Now);
        }
    }

    // The runtime compiles what is busy a second time, in the background, and until it has done so the first measurements would pay for it.
    private async Task WarmUpAsync(Resolve resolve, CancellationToken token)
    {
        Say("warming up");
        await new LoadGenerator(service, Connections[^1]).RunAsync(resolve, options.Quick ? Settling : WarmUp, token);
    }

    private async Task<Measurement> AllocatingAsync(LoadGenerator load, Resolve resolve)
    {
        var before = workspace.AllocatedBytes();
        var measured = await load.RunAsync(resolve, options.Duration, cancellationToken);
        report.AddAllocation((workspace.AllocatedBytes() - before) / measured.Requests);
        return measured;
    }

    private async Task GrowAsync(int size)
    {
        var load = new LoadGenerator(service, 64);
        var missing = (size / StoreDefaults.Each) - _owners.Count;
        Say($"{missing:N0} more owners with a key each");
        var make = new MakeOwners(Service.BootstrapKey, missing);
        await load.RunAsync(make, cancellationToken);
        var added = make.Made.ToList();
        Say($"{missing * StoreDefaults.Each:N0} more secrets");
        await load.RunAsync(new StoreDefaults(added), cancellationToken);
        _owners.AddRange(added);
        await workspace.ExecuteAsync("VACUUM (ANALYZE) secrets, owners, api_keys, data_keys, audit", cancellationToken);
        await workspace.ExecuteAsync("CHECKPOINT", cancellationToken, asSuperuser: true);
    }

    private static void Say(string what) => Console.Error.WriteLine($"{TimeProvider.System.GetLocalNow():HH:mm:ss} {what}");
}

/// <summary>The floors and the service, one right after the other.</summary>
internal sealed record ResolveRound(int Size, int Connections, Measurement Constant, Measurement Select, Measurement Resolve)
{
    public double Ratio => Resolve.PerSecond / Select.PerSecond;
}
