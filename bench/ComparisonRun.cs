namespace Secrets.Bench;

/// <summary>Two builds of the service, each with a database of its own, in alternating turns: what a request costs of processor time, of service and database together.</summary>
internal sealed class ComparisonRun(BenchOptions options, CancellationToken cancellationToken)
{
    private const int Owners = BenchOptions.Small;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    public static async Task ExecuteAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        await using var ours = await Site.StartAsync(options, Owners * StoreDefaults.Each, cancellationToken);
        await using var theirs = await Site.StartAsync(options with { Service = options.Against }, Owners * StoreDefaults.Each, cancellationToken);
        await new ComparisonRun(options, cancellationToken).MeasureAsync(ours, theirs);
    }

    private async Task MeasureAsync(Site ours, Site theirs)
    {
        var sides = new[] { await LoadAsync(ours), await LoadAsync(theirs) };
        foreach (var side in sides)
        {
            await side.Load.RunAsync(side.Resolve.ForEach(), cancellationToken);
            await side.Load.RunAsync(side.Resolve, WarmUp, cancellationToken);
            await CreateAsync(side, "warm-up", WarmUp);
        }

        List<(double Ours, double Theirs)> resolves = [], creates = [], deletes = [];
        for (var round = 1; round <= options.Rounds; round++)
        {
            resolves.Add(await InTurnAsync(sides, round, async side =>
            {
                await side.Load.RunAsync(side.Resolve, Settling, cancellationToken);
                return Each(await side.Load.RunAsync(side.Resolve, options.Duration, cancellationToken));
            }));
            List<(Loaded Side, double Create, double Delete)> written = [];
            foreach (var side in Sites.InTurn(sides, round))
            {
                var (create, delete) = await CreateAsync(side, FormattableString.Invariant($"{round}"), options.Duration);
                written.Add((side, create, delete));
            }

            var (one, other) = (written.Find(of => of.Side == sides[0]), written.Find(of => of.Side == sides[1]));
            creates.Add((one.Create, other.Create));
            deletes.Add((one.Delete, other.Delete));
            Progress.Say($"round {round} of {options.Rounds}: resolve {Ratio(resolves[^1]):0.000}, create {Ratio(creates[^1]):0.000}, delete {Ratio(deletes[^1]):0.000}");
        }

        Console.WriteLine(FormattableString.Invariant(
            $"Processor time of service and database for a request, {options.Rounds} alternating rounds of {options.Seconds} s, {options.Connections} connections, {Owners:N0} owners with {StoreDefaults.Each} secrets"));
        Tell("resolve", resolves);
        Tell("create", creates);
        Tell("delete", deletes);
        Console.WriteLine(FormattableString.Invariant($"memory of the service: {ours.Service.Memory.Now / 1048576.0:0} and {theirs.Service.Memory.Now / 1048576.0:0} MiB"));
    }

    /// <summary>Creates for a while, and deletes what was made.</summary>
    private async Task<(double Create, double Delete)> CreateAsync(Loaded side, string series, TimeSpan duration)
    {
        var create = new Create(side.Owners, series);
        var created = Each(await side.Load.RunAsync(create, duration, cancellationToken));
        var deleted = Each(await side.Load.RunAsync(new Delete(create.Made), cancellationToken));
        return (created, deleted);
    }

    private static async Task<(double Ours, double Theirs)> InTurnAsync(Loaded[] sides, int round, Func<Loaded, Task<double>> measure)
    {
        var measured = new Dictionary<Loaded, double>();
        foreach (var side in Sites.InTurn(sides, round)) measured.Add(side, await measure(side));
        return (measured[sides[0]], measured[sides[1]]);
    }

    private async Task<Loaded> LoadAsync(Site site)
    {
        var key = await site.Service.MakeRuntimeAsync(cancellationToken);
        var load = new LoadGenerator(site.Service, options.Connections);
        var owners = await site.MakeOwnersAsync(load, Owners, cancellationToken);
        await load.RunAsync(new StoreDefaults(owners), cancellationToken);
        await site.SettleAsync(cancellationToken);
        return new Loaded(load, owners, new Resolve("/api/v1/secrets/resolve", key, owners, "\"secret_value\":\"lin_api_"u8.ToArray()));
    }

    private static double Each(Measurement measured) => (measured.Cost.Service + measured.Cost.Database).TotalMicroseconds / measured.Requests;

    private static double Ratio((double Ours, double Theirs) round) => round.Ours / round.Theirs;

    private static void Tell(string what, List<(double Ours, double Theirs)> rounds)
    {
        var ratios = rounds.Select(Ratio).Order().ToList();
        var outside = OutsideOfMedian(ratios.Count);
        Console.WriteLine(FormattableString.Invariant(
            $"{what}: {Report.Median(rounds.Select(round => round.Ours)):0} and {Report.Median(rounds.Select(round => round.Theirs)):0} µs, ratio {Report.Median(ratios):0.000}, 95% interval of the median {ratios[outside]:0.000} to {ratios[^(outside + 1)]:0.000}"));
    }

    /// <summary>How many of the ordered values may be left out at either end, for the median to lie between the rest with a probability of 95% (a sum of binomial coefficients).</summary>
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

    private sealed record Loaded(LoadGenerator Load, IReadOnlyList<Owner> Owners, Resolve Resolve);
}
