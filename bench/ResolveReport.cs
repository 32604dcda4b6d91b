using System.Globalization;
using System.Text;

namespace Secrets.Bench;

/// <summary>The measurements of resolves and their floors as a page.</summary>
internal sealed class ResolveReport(BenchOptions options)
{
    public const string Title = "# Resolve";

    private readonly List<ResolveRound> _rounds = [];
    private readonly List<(int Connections, Measurement Measured)> _constants = [];
    private readonly List<long> _allocations = [];
    private readonly Dictionary<int, long> _memory = [];

    public string Server { get; set; } = "";

    public string FileSystem { get; set; } = "";

    public void Add(ResolveRound round) => _rounds.Add(round);

    public void AddConstant(int connections, Measurement measured) => _constants.Add((connections, measured));

    public void AddAllocation(long bytes) => _allocations.Add(bytes);

    /// <summary>Sets the memory of the service at a size. The last value counts.</summary>
    public void SetMemory(int size, long bytes) => _memory[size] = bytes;

    public string ToMarkdown()
    {
        var page = new StringBuilder();
        page.AppendLine(Invariant($"""
            {Title}

            What `{options.Command()}` measured on {TimeProvider.System.GetUtcNow():yyyy-MM-dd}, and what it means. That command writes this part of the page.

            {Machine.Describe(Server, FileSystem)} {options.Seconds} s per measurement, {options.Rounds} rounds.

            | promise | measured | asked for | held |
            |---|---|---|---|
            """));
        foreach (var group in Groups())
        {
            var ratios = group.Select(round => round.Ratio).ToList();
            var slower = Percentile(group, round => round.Resolve) / Percentile(group, round => round.Select);
            Promise(
                Invariant($"resolve / select, {group.Key.Size:N0} stored, {group.Key.Connections} connections"),
                Report.InRounds(ratios, "0.00"), "at least 1.0, better 1.5", Report.Median(ratios) >= 1);
            Promise("p99 of resolve / p99 of select, the same", Invariant($"**{slower:0.0}**"), "under 4", slower < 4);
        }

        var (small, large) = (_rounds.Min(round => round.Size), _rounds.Max(round => round.Size));
        foreach (var connections in ResolveRun.Connections.Where(_ => large > small))
        {
            var ratios = Rates(large, connections).Zip(Rates(small, connections), (many, few) => many / few).ToList();
            Promise(
                Invariant($"resolve, {large:N0} / {small:N0} stored, {connections} connections"), Report.InRounds(ratios, "0.00"), "0.9 or more", Report.Median(ratios) >= 0.9);
        }

        foreach (var (size, bytes) in _memory)
        {
            Promise(Invariant($"memory of the service after {size:N0} stored"), Invariant($"{bytes >> 20} MiB"), "under 250 MiB", bytes < 250L << 20);
        }

        page.AppendLine(Invariant($"| allocated per resolve | {_allocations.Min() / 1024.0:0.0} KiB | driven down | |"));
        page.AppendLine();
        page.AppendLine("| stored | connections | what | requests/s | p50 ms | p99 ms | service µs | database µs | load µs |");
        page.AppendLine("|--:|--:|---|--:|--:|--:|--:|--:|--:|");
        foreach (var group in _constants.GroupBy(one => one.Connections, one => one.Measured)) Append("any", group.Key, "constant", group);
        foreach (var group in Groups())
        {
            var stored = Invariant($"{group.Key.Size:N0}");
            Append(stored, group.Key.Connections, "select", group.Select(round => round.Select));
            Append(stored, group.Key.Connections, "resolve", group.Select(round => round.Resolve));
        }

        page.AppendLine();
        page.AppendLine(Meaning);
        return page.ToString().ReplaceLineEndings("\n").TrimEnd() + "\n";

        void Promise(string what, string measured, string asked, bool holds) =>
            page.AppendLine(Invariant($"| {what} | {measured} | {asked} | {(holds ? "yes" : "**no**")} |"));

        void Append(string stored, int connections, string what, IEnumerable<Measurement> rounds)
        {
            var all = Measurement.Of([.. rounds]);
            page.AppendLine(Invariant($"| {stored} | {connections} | {what} | {all.PerSecond:N0} | {all.Latency.Percentile(0.5):0.0} | {all.Latency.Percentile(0.99):0.0} | {Report.Each(all, all.Cost.Service):0} | {Report.Each(all, all.Cost.Database):0} | {Report.Each(all, all.Cost.Load):0} |"));
        }
    }

    private const string Meaning =
        """
        - **Only ratios carry over**: load, floors, service and database share the machine. In every round each size has its turn, with a service, a
          database and floors of its own. A ratio is the median of the ratios within each round.
        - **constant** is Kestrel with one route that always returns the same JSON. **select** parses the request, reads one row by an index with a prepared
          statement and serialises it. It checks no key and no rule, decrypts nothing and writes nothing. Framework, driver and server are those of the service.
        - **Missed promises** are marked. A resolve takes less of the database than select, because it shares its one round trip with others. It takes more of the
          service: HTTP, MVC, authentication, validation, selection, decryption and the audit chain take up to twice the time of select there.
        - **resolve** runs all steps. It authenticates the key, validates the request, finds the candidates (a name and a pattern compete for each
          argument) and decrypts the value. It then chains the audit row, commits it with fsync if the cached owner and key are current, and only then responds.
        - Each owner has ten secrets, and every request is for a random owner. Before the first measurement each owner was requested once, and the service
          had time to compile its hot code. The first call for an owner, and the first minute of a process, are slower.
        - Memory is resident memory, of which 95 MiB are mapped program files.
        """;

    private IEnumerable<IGrouping<(int Size, int Connections), ResolveRound>> Groups() =>
        _rounds.GroupBy(round => (round.Size, round.Connections)).OrderBy(group => group.Key);

    // The rates of all rounds, in order.
    private IEnumerable<double> Rates(int size, int connections) =>
        _rounds.Where(round => round.Size == size && round.Connections == connections).Select(round => round.Resolve.PerSecond);

    private static double Percentile(IEnumerable<ResolveRound> rounds, Func<ResolveRound, Measurement> part) =>
        Measurement.Of([.. rounds.Select(part)]).Latency.Percentile(0.99);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
