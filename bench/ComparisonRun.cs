namespace Secrets.Bench;

/// <summary>
/// Compares two sides in alternating turns, each with its own database: two builds, two kinds of databases, or one build with and without a setting or telemetry.
/// Measures the processor time of a request, service and database together.
/// </summary>
internal sealed class ComparisonRun(BenchOptions options, CancellationToken cancellationToken)
{
    private const int Slices = 6;

    // The share of time for creates: deleting the created secrets takes far longer than creating them.
    private const int CreateShare = 3;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(8);

    public static async Task ExecuteAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        // The first is divided by the second: this build by another, SQL Server by PostgreSQL, a setting by none.
        await using var collector = options.Telemetry ? await Collector.StartAsync(cancellationToken) : null;
        await using var ours = await Site.StartAsync(options, options.Owners * options.Each, cancellationToken, [.. options.With, .. collector?.Settings ?? []]);
        await using var theirs = await Site.StartAsync(
            options with { Service = options.Against ?? options.Service, SqlServer = null }, options.Owners * options.Each, cancellationToken);
        await new ComparisonRun(options, cancellationToken).MeasureAsync(ours, theirs);
        if (collector is not null) Console.WriteLine(FormattableString.Invariant($"{collector.Received:N0} bytes of telemetry were received"));
    }

    private async Task MeasureAsync(Site ours, Site theirs)
    {
        var sides = new[] { await LoadAsync(ours), await LoadAsync(theirs) };
        await WarmUpAsync(sides);

        // For seconds after many writes a resolve costs a fifth more, and its cost varies more. So all resolves are measured before the writes.
        List<(Cost Ours, Cost Theirs)> resolves = [], creates = [], deletes = [];
        for (var round = 1; round <= options.Rounds; round++)
        {
            resolves.Add(await InTurnAsync(sides, Slices, round, side => side.Load.RunAsync(side.Resolve, options.Duration / Slices, cancellationToken)));
            Progress.Say($"round {round} of {options.Rounds}: resolve {Ratio(resolves[^1]):0.000}");
        }

        for (var round = 1; round <= options.Rounds; round++)
        {
            var made = sides.ToDictionary(side => side, side => new Create(side.Owners, FormattableString.Invariant($"{round}")));
            creates.Add(await InTurnAsync(sides, Slices, round, side => side.Load.RunAsync(made[side], options.Duration / CreateShare / Slices, cancellationToken)));
            deletes.Add(await InTurnAsync(sides, 1, round, side => side.Load.RunAsync(new Delete(made[side].Made), cancellationToken)));
            Progress.Say($"round {round} of {options.Rounds}: create {Ratio(creates[^1]):0.000}, delete {Ratio(deletes[^1]):0.000}");
        }

        Console.WriteLine(FormattableString.Invariant(
            $"Processor time of service and database per request, {options.Rounds} alternating rounds of {options.Seconds} s in {Slices} slices (creates: a third of that), {options.Connections} connections, {options.Owners:N0} owners with {options.Each:N0} secrets"));
        Tell("resolve", resolves);
        Tell("create", creates);
        Tell("delete", deletes);
        Console.WriteLine(FormattableString.Invariant($"memory of the service: {ours.Service.Memory.Now / 1048576.0:0} and {theirs.Service.Memory.Now / 1048576.0:0} MiB"));
    }

    /// <summary>Writes come first, so that neither side is measured right after them.</summary>
    private async Task WarmUpAsync(Loaded[] sides)
    {
        foreach (var side in sides)
        {
            var made = new Create(side.Owners, "warm-up");
            await side.Load.RunAsync(made, WarmUp, cancellationToken);
            await side.Load.RunAsync(new Delete(made.Made), cancellationToken);
        }

        foreach (var side in sides) await side.Site.SettleAsync(cancellationToken);

        // The writes made cached owners stale.
        foreach (var side in sides) await side.Load.RunAsync(side.Resolve.ForEach(), cancellationToken);
        foreach (var side in sides) await side.Load.RunAsync(side.Resolve, WarmUp, cancellationToken);
    }

    /// <summary>Measures both sides in turns, in slices so short that a machine that becomes slower slows both.</summary>
    private static async Task<(Cost Ours, Cost Theirs)> InTurnAsync(Loaded[] sides, int slices, int round, Func<Loaded, Task<Measurement>> measure)
    {
        var measured = sides.ToDictionary(side => side, _ => new List<Measurement>());
        for (var slice = 0; slice < slices; slice++)
        {
            foreach (var side in Sites.InTurn(sides, round + slice)) measured[side].Add(await measure(side));
        }

        return (Each(Measurement.Of(measured[sides[0]])), Each(Measurement.Of(measured[sides[1]])));
    }

    private async Task<Loaded> LoadAsync(Site site)
    {
        var key = await site.Service.MakeRuntimeAsync(cancellationToken);
        var load = new LoadGenerator(site.Service, options.Connections);
        var owners = await site.MakeOwnersAsync(load, options.Owners, cancellationToken);
        await load.RunAsync(new StoreDefaults(owners, options.Each), cancellationToken);
        return new Loaded(site, load, owners, new Resolve("/api/v1/secrets/resolve", key, owners, "\"secret_value\":\"lin_api_"u8.ToArray()));
    }

    private static Cost Each(Measurement measured) =>
        new(measured.Cost.Service.TotalMicroseconds / measured.Requests, measured.Cost.Database.TotalMicroseconds / measured.Requests, measured.PerSecond);

    private static double Ratio((Cost Ours, Cost Theirs) round) => round.Ours.Whole / round.Theirs.Whole;

    private static void Tell(string what, List<(Cost Ours, Cost Theirs)> rounds)
    {
        var ratios = rounds.Select(Ratio).Order().ToList();
        var outside = OutsideOfMedian(ratios.Count);
        Console.WriteLine(FormattableString.Invariant(
            $"{what}: ratio {Report.Median(ratios):0.000}, 95% interval of the median {ratios[outside]:0.000} to {ratios[^(outside + 1)]:0.000}; {Said(rounds.ConvertAll(round => round.Ours))} and {Said(rounds.ConvertAll(round => round.Theirs))}"));
    }

    private static string Said(List<Cost> costs) => FormattableString.Invariant(
        $"{Report.Median(costs.Select(cost => cost.Whole)):0} µs (service {Report.Median(costs.Select(cost => cost.Service)):0}, database {Report.Median(costs.Select(cost => cost.Database)):0}; {Report.Median(costs.Select(cost => cost.PerSecond)):N0}/s)");

    /// <summary>The number of ordered values that may be left out at either end, so that the median lies between the rest with a probability of 95% (a sum of binomial coefficients).</summary>
    private static int OutsideOfMedian(int count)
    {
        var (outside, tail, term) = (0, 0.0, Math.Pow(0.5, count));
        for (var at = 0; at < count / 2; at++)
        {
            tail += term;
            if (2 * tail > 0.05) break;
            outside = at + 1;
            term *= (double)(count - at) / (at + 1);
        }

        return outside;
    }

    /// <summary>The processor time of one request in microseconds, and requests per second.</summary>
    private sealed record Cost(double Service, double Database, double PerSecond)
    {
        public double Whole => Service + Database;
    }

    private sealed record Loaded(Site Site, LoadGenerator Load, IReadOnlyList<Owner> Owners, Resolve Resolve);
}
