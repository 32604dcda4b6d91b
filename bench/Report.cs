using System.Globalization;
using System.Text;

namespace Secrets.Bench;

/// <summary>The measurements as a page.</summary>
internal sealed class Report(BenchOptions options)
{
    public const string Title = "# Create, read, delete";

    public const string Create = "create";
    public const string Delete = "delete";
    public const string Get = "get";
    public const string Page = "list, `?limit=10`";
    public const string Whole = "list of an owner with 10";

    private const double Required = 0.15;
    private const double Aim = 0.25;
    private const double Flat = 0.9;
    private const double StartRequired = 5;

    private readonly List<(string Name, int Size, Measurement Measured)> _measurements = [];
    private readonly List<(int Size, double Floor, double Create)> _rounds = [];

    public TimeSpan FirstStart { get; set; }

    public List<TimeSpan> Starts { get; } = [];

    public (long Now, long Most) Memory { get; set; }

    public int RowBytes { get; set; }

    public string Server { get; set; } = "";

    public string FileSystem { get; set; } = "";

    public void Add(string name, int size, Measurement measured) => _measurements.Add((name, size, measured));

    public void AddRound(int size, double floor, double create) => _rounds.Add((size, floor, create));

    public string ToMarkdown()
    {
        var page = new StringBuilder();
        page.AppendLine(Invariant($"""
            {Title}

            What `{options.Command()}` measured on {TimeProvider.System.GetUtcNow():yyyy-MM-dd}, and what it means. That command writes this part of the page.

            {Machine.Describe(Server, FileSystem)} {options.Connections} connections, {options.Seconds} s per measurement{(options.Quick ? ", **a quick run: no figure here is worth keeping**" : "")}.

            """));
        if (FileSystem is "tmpfs" or "ramfs")
        {
            page.AppendLine("**The data was in memory: a flush to disk cost nothing. Use `--directory`.**\n");
        }

        AppendRatios(page);
        AppendMeasurements(page);
        page.AppendLine(Meaning());
        return page.ToString().ReplaceLineEndings("\n").TrimEnd() + "\n";
    }

    private static string Meaning() =>
        """
        ## What it means

        - **Only ratios carry over.** The load generator, the service and the database share the machine, so the absolute figures are
          those of a busy laptop. Compared loads take turns, and a ratio is the median of the ratios within each round.
        - **The floor** is PostgreSQL's own load generator on the same server, with the same number of connections: one prepared
          INSERT of a row as large as a stored secret into a table with one index, one commit. The floor checks no key, knows no quota, keeps
          no name unique and encrypts nothing. It shows what the disk and the commit allow, and is not a goal.
          It runs right before and right after the creates that are compared with it.
        - **A create** authenticates a key, checks the request, encrypts the value, charges the owner's quota, stores a row with its
          indexes and one in the audit, and commits durably before it responds. Creates that arrive together share a transaction, which
          locks their owners. The lock makes the quota exact.
        - **Processor time** per request does not depend on other users of the machine. With few cores it is also the limit: the
          three columns, divided by the cores, give about the time between two responses.
        - **100,000 against 1,000 stored**: every query uses an index that begins with the owner or the id, so more secrets cost a
          little more index depth and more cache misses. Each size has a service and a database of its own. In every round the two
          take turns at every kind of request.
        - Deletes bring the table back to its size between rounds. VACUUM and ANALYZE run between measurements.
        - The service logs warnings only. At the default level it also writes one line for each request.
        """;

    private void AppendRatios(StringBuilder page)
    {
        page.AppendLine("| promise | measured | asked for |").AppendLine("|---|---|---|");
        foreach (var size in Sizes())
        {
            var rounds = _rounds.Where(round => round.Size == size).ToList();
            var measured = rounds.Count == 0
                ? "no pgbench, no floor"
                : InRounds(rounds.Select(round => round.Create / round.Floor), "0.000", Invariant($"; floor {Median(rounds.Select(round => round.Floor)):N0}/s"));
            page.AppendLine(Invariant($"| create / floor, {size:N0} stored | {measured} | at least {Required}, better {Aim} |"));
        }

        foreach (var name in Names().Where(_ => Sizes().Count > 1))
        {
            var ratios = Rounds(name, options.Large).Zip(Rounds(name, BenchOptions.Small), (many, few) => many.PerSecond / few.PerSecond);
            page.AppendLine(Invariant($"| {name}: {options.Large:N0} / {BenchOptions.Small:N0} stored | {InRounds(ratios, "0.00")} | flat: {Flat} or more |"));
        }

        if (Starts.Count > 0)
        {
            page.AppendLine(Invariant($"| start to first list, {options.Large:N0} stored | **{Median(Starts.Select(start => start.TotalSeconds)):0.0} s** (starts: {Listed(Starts.Select(start => start.TotalSeconds), "0.0")}) | under {StartRequired} s |"));
        }

        page.AppendLine(Invariant($"| first start, on an empty directory | {FirstStart.TotalSeconds:0.0} s | |"));
        page.AppendLine(Invariant($"| memory of the service after all this, {Sizes()[^1]:N0} stored | {Memory.Now / 1e6:N0} MB (at most {Memory.Most / 1e6:N0} MB) | |"));
        page.AppendLine();
    }

    private void AppendMeasurements(StringBuilder page)
    {
        var costs = ProcessorTime.IsKnown;
        page.Append("| request | stored | requests/s | p50 ms | p99 ms |").AppendLine(costs ? " service µs | database µs | load µs |" : "");
        page.Append("|---|--:|--:|--:|--:|").AppendLine(costs ? "--:|--:|--:|" : "");
        foreach (var size in Sizes())
        {
            foreach (var name in Names())
            {
                var all = Measurement.Of([.. Rounds(name, size)]);
                page.Append(Invariant($"| {name} | {size:N0} | {all.PerSecond:N0} | {all.Latency.Percentile(0.5):0.0} | {all.Latency.Percentile(0.99):0.0} |"));
                page.AppendLine(costs ? Invariant($" {Each(all, all.Cost.Service):0} | {Each(all, all.Cost.Database):0} | {Each(all, all.Cost.Load):0} |") : "");
            }
        }

        page.AppendLine();
        if (costs) page.AppendLine(Invariant($"The last three columns are processor time per request. A stored secret takes {RowBytes} bytes in its table.\n"));
    }

    private List<int> Sizes() => [.. _measurements.Select(one => one.Size).Distinct()];

    private List<string> Names() => [.. _measurements.Select(one => one.Name).Distinct(StringComparer.Ordinal)];

    // The measurements of all rounds, in order.
    private IEnumerable<Measurement> Rounds(string name, int size) =>
        _measurements.Where(one => one.Size == size && string.Equals(one.Name, name, StringComparison.Ordinal)).Select(one => one.Measured);

    public static double Each(Measurement all, TimeSpan time) => time.TotalMicroseconds / all.Requests;

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }

    /// <summary>The median of the rounds, and the value of each.</summary>
    public static string InRounds(IEnumerable<double> rounds, string format, string more = "")
    {
        var all = rounds.ToList();
        return $"**{Median(all).ToString(format, CultureInfo.InvariantCulture)}** (rounds: {Listed(all, format)}{more})";
    }

    private static string Listed(IEnumerable<double> values, string format) =>
        string.Join(", ", values.Select(value => value.ToString(format, CultureInfo.InvariantCulture)));

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
