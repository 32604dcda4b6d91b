namespace Secrets.Bench;

/// <summary>Measures resolves and their floors, at several sizes and numbers of connections, in turns.</summary>
internal sealed class ResolveRun(BenchOptions options, ResolveReport report, CancellationToken cancellationToken)
{
    public static readonly IReadOnlyList<int> Connections = [32, 128];

    private static readonly TimeSpan FloorWarmUp = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    public static async Task ExecuteAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        var report = new ResolveReport(options);
        await using (var sites = await Sites.StartAsync(options, cancellationToken))
        {
            await new ResolveRun(options, report, cancellationToken).MeasureAsync(sites.All);
        }

        var text = report.ToMarkdown();
        Console.WriteLine(text);
        if (options.Write) await PerformancePage.WriteAsync(ResolveReport.Title, text, cancellationToken);
    }

    private async Task MeasureAsync(IReadOnlyList<Site> sites)
    {
        var all = new List<Loaded>();
        foreach (var site in sites) all.Add(await LoadAsync(site));
        foreach (var of in all) await WarmUpAsync(of);

        foreach (var connections in Connections)
        {
            for (var round = 1; round <= options.Rounds; round++)
            {
                Progress.Say($"{connections} connections, round {round} of {options.Rounds}");

                // The constant floor reads nothing, so any database will do.
                var constant = await SettledAsync(new LoadGenerator(all[0].Floors, connections), all[0].Constant, options.Duration / 2);
                report.AddConstant(connections, constant);
                Progress.Say($"  constant {constant.PerSecond:N0}/s");
                foreach (var of in Sites.InTurn(all, round)) await MeasureAsync(of, connections);
            }
        }
    }

    private async Task MeasureAsync(Loaded of, int connections)
    {
        var select = await SettledAsync(new LoadGenerator(of.Floors, connections), of.Select, options.Duration);

        var load = new LoadGenerator(of.Site.Service, connections);
        await load.RunAsync(of.Resolve, Settling, cancellationToken);
        var before = of.Site.Workspace.AllocatedBytes();
        var resolve = await load.RunAsync(of.Resolve, options.Duration, cancellationToken);
        report.AddAllocation((of.Site.Workspace.AllocatedBytes() - before) / resolve.Requests);
        report.SetMemory(of.Site.Size, of.Site.Service.Memory.Now);

        var round = new ResolveRound(of.Site.Size, connections, select, resolve);
        report.Add(round);
        Progress.Say($"  {of.Site.Size:N0} stored: select {select.PerSecond:N0}/s, resolve {resolve.PerSecond:N0}/s: {round.Ratio:0.00}");
    }

    // The site was idle. A short run before the measurement ends that.
    private async Task<Measurement> SettledAsync(LoadGenerator load, Resolve workload, TimeSpan duration)
    {
        await load.RunAsync(workload, Settling, cancellationToken);
        return await load.RunAsync(workload, duration, cancellationToken);
    }

    private async Task WarmUpAsync(Loaded of)
    {
        Progress.Say($"{of.Site.Size:N0} stored: warming up");
        var load = new LoadGenerator(of.Site.Service, Connections[^1]);
        await load.RunAsync(of.Resolve.ForEach(), cancellationToken);
        if (!options.Quick) await of.Site.Workspace.WarmUpAsync(load, of.Resolve, cancellationToken);
        foreach (var floor in (Workload[])[of.Select, of.Constant])
        {
            await new LoadGenerator(of.Floors, Connections[^1]).RunAsync(floor, options.Quick ? options.Duration : FloorWarmUp, cancellationToken);
        }
    }

    private async Task<Loaded> LoadAsync(Site site)
    {
        (report.Server, report.FileSystem) = await site.Workspace.RequireDurabilityAsync(cancellationToken);
        var key = await site.Service.MakeRuntimeAsync(cancellationToken);
        var load = new LoadGenerator(site.Service, 64);
        var owners = await site.MakeOwnersAsync(load, site.Size / StoreDefaults.Each, cancellationToken);
        Progress.Say($"{site.Size:N0} stored: storing secrets");
        await load.RunAsync(new StoreDefaults(owners), cancellationToken);
        await site.SettleAsync(cancellationToken);
        await site.Workspace.ExecuteAsync("CHECKPOINT", cancellationToken, asSuperuser: true);
        return new Loaded(
            site,
            await site.StartFloorsAsync(cancellationToken),
            new Resolve(FloorServer.Constant, key, owners, "\"secret_value\":"u8.ToArray()),
            new Resolve(FloorServer.Select, key, owners, "\"secret_value\":\"lin_..."u8.ToArray()),
            new Resolve("/api/v1/secrets/resolve", key, owners, "\"secret_value\":\"lin_api_"u8.ToArray()));
    }

    private sealed record Loaded(Site Site, FloorProcess Floors, Resolve Constant, Resolve Select, Resolve Resolve);
}

/// <summary>Floor and service of one size, measured one after the other.</summary>
internal sealed record ResolveRound(int Size, int Connections, Measurement Select, Measurement Resolve)
{
    public double Ratio => Resolve.PerSecond / Select.PerSecond;
}
