using System.Diagnostics;
using Npgsql;

namespace Secrets.Bench;

/// <summary>Measures creates, reads and deletes with few and with many stored secrets, in turns.</summary>
internal sealed class BenchRun(BenchOptions options, Report report, CancellationToken cancellationToken)
{
    private const int Owners = 1_000;

    // These owners have ten secrets at both sizes, so that their list is the same work.
    private const int OwnersOfTen = 100;

    private const int Restarts = 3;

    // In requests and not in seconds: the runtime counts calls before it compiles a method again.
    private const int WarmUpRequests = 50_000;

    private static readonly TimeSpan WarmUpLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ReadWarmUp = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    public static async Task ExecuteAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        if (Debugger.IsAttached || IsDebugBuild) throw new BenchException("Measure a release build: dotnet run -c Release --project bench");

        var report = new Report(options);
        await using (var sites = await Sites.StartAsync(options, cancellationToken))
        {
            await new BenchRun(options, report, cancellationToken).MeasureAsync(sites.All);
        }

        var text = report.ToMarkdown();
        Console.WriteLine(text);
        if (options.Write) await PerformancePage.WriteAsync(Report.Title, text, cancellationToken);
    }

#if DEBUG
    private static bool IsDebugBuild => true;
#else
    private static bool IsDebugBuild => false;
#endif

    private async Task MeasureAsync(IReadOnlyList<Site> sites)
    {
        report.FirstStart = sites[0].FirstStart;
        var all = new List<Loaded>();
        foreach (var site in sites) all.Add(await LoadAsync(site));
        if (all[0].Floor is null) Progress.Say($"{Floor.Missing}");

        for (var round = 1; round <= options.Rounds; round++)
        {
            Progress.Say($"round {round} of {options.Rounds}");
            var turns = Sites.InTurn(all, round).ToList();
            await ReadAsync(turns);
            await CompeteAsync(turns, round);
        }

        var (largest, key) = (sites[^1], all[^1].Owners[0].Key);
        report.Memory = largest.Service.Memory;
        for (var at = 0; at < Restarts && !options.OnlyCreate; at++)
        {
            Progress.Say($"start on existing data");
            report.Starts.Add(await largest.RestartAsync(key, cancellationToken));
        }
    }

    private async Task<Loaded> LoadAsync(Site site)
    {
        (report.Server, report.FileSystem) = await site.Workspace.RequireDurabilityAsync(cancellationToken);
        var load = new LoadGenerator(site.Service, options.Connections);
        var owners = await site.MakeOwnersAsync(load, Owners, cancellationToken);
        var (ofTen, others) = (owners[..OwnersOfTen], owners[OwnersOfTen..]);

        // The runtime compiles busy methods a second time. The first secret of an owner makes its data key.
        Progress.Say($"{site.Size:N0} stored: warming up");
        var warmUp = new Create(owners, "warm-up", WarmUpRequests, inTurn: true);
        await load.RunAsync(warmUp, options.Quick ? TimeSpan.FromSeconds(3) : WarmUpLimit, cancellationToken);
        await load.RunAsync(new Delete(warmUp.Made), cancellationToken);

        Progress.Say($"{site.Size:N0} stored: storing secrets");
        var few = new Create(ofTen, "few", BenchOptions.Small, inTurn: true);
        await load.RunAsync(few, cancellationToken);
        var many = new Create(others, "many", site.Size - BenchOptions.Small, inTurn: true);
        await load.RunAsync(many, cancellationToken);

        var floor = await Floor.PrepareAsync(site.Workspace, options.Connections, await RowBytesAsync(site.Workspace), cancellationToken);
        await site.SettleAsync(cancellationToken);
        IReadOnlyList<(string, Workload)> reads =
        [
            (Report.Get, new Get([.. few.Made, .. many.Made])),
            (Report.Page, new List(many.Made.Count > 0 ? others : ofTen, "?limit=10")),
            (Report.Whole, new List(ofTen, "")),
        ];
        if (options.OnlyCreate) return new Loaded(site, load, owners, [], floor);
        foreach (var (_, read) in reads) await load.RunAsync(read, options.Quick ? options.Duration : ReadWarmUp, cancellationToken);
        return new Loaded(site, load, owners, reads, floor);
    }

    private async Task ReadAsync(IReadOnlyList<Loaded> turns)
    {
        for (var at = 0; at < turns[0].Reads.Count; at++)
        {
            foreach (var of in turns)
            {
                var (name, read) = of.Reads[at];
                await of.Load.RunAsync(read, Settling, cancellationToken);
                var measured = await of.Load.RunAsync(read, options.Duration, cancellationToken);
                report.Add(name, of.Site.Size, measured);
                Progress.Say($"  {of.Site.Size:N0} stored: {name} {measured.PerSecond:N0}/s");
            }
        }
    }

    private async Task CompeteAsync(IReadOnlyList<Loaded> turns, int round)
    {
        var made = new List<(Loaded Of, Create WarmUp, Create Create)>();
        foreach (var of in turns)
        {
            // Half of the floor runs before and half after: a machine that becomes slower slows both measurements.
            var before = await FloorAsync(of);
            var warmUp = new Create(of.Owners, FormattableString.Invariant($"{round}-warm-up"));
            await of.Load.RunAsync(warmUp, Settling, cancellationToken);
            var create = new Create(of.Owners, FormattableString.Invariant($"{round}"));
            var measured = await of.Load.RunAsync(create, options.Duration, cancellationToken);
            made.Add((of, warmUp, create));
            report.Add(Report.Create, of.Site.Size, measured);
            Progress.Say($"  {of.Site.Size:N0} stored: create {measured.PerSecond:N0}/s");
            if ((before + await FloorAsync(of)) / 2 is not { } most) continue;
            report.AddRound(of.Site.Size, most, measured.PerSecond);
            Progress.Say($"  {of.Site.Size:N0} stored: floor {most:N0}/s, create / floor {measured.PerSecond / most:0.000}");
        }

        // Deletes restore the size for the next round. They take longest; earlier deletes would move the creates far apart.
        foreach (var (of, warmUp, create) in made)
        {
            await of.Load.RunAsync(new Delete(warmUp.Made), cancellationToken);
            var measured = await of.Load.RunAsync(new Delete(create.Made), cancellationToken);
            report.Add(Report.Delete, of.Site.Size, measured);
            Progress.Say($"  {of.Site.Size:N0} stored: delete {measured.PerSecond:N0}/s");
        }

        foreach (var of in turns) await of.Site.SettleAsync(cancellationToken);
    }

    private async Task<double?> FloorAsync(Loaded of) =>
        of.Floor is null ? null : await of.Floor.MeasureAsync(options.Duration / 2, cancellationToken);

    private async Task<int> RowBytesAsync(Workspace workspace)
    {
        await using var connection = await workspace.ConnectAsync("secrets", cancellationToken);
        await using var command = new NpgsqlCommand("SELECT avg(pg_column_size(secrets.*))::int FROM secrets", connection);
        return report.RowBytes = (int)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private sealed record Loaded(
        Site Site, LoadGenerator Load, IReadOnlyList<Owner> Owners, IReadOnlyList<(string Name, Workload Workload)> Reads, Floor? Floor);
}
