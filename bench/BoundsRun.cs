using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.Unicode;

namespace Secrets.Bench;

/// <summary>
/// The effect of loads of one user, or of one address without a user, on resolves of others. Two builds take turns under the service's default limits. The others send a resolve every
/// few milliseconds and not as fast as possible, because only its latency is measured.
/// </summary>
internal sealed class BoundsRun(BenchOptions options, CancellationToken cancellationToken)
{
    public const string Title = "# Loads of others";

    private const int Owners = 100;
    private const int LargeList = 1_500;
    private const int WrongCredentials = 617;
    private const int FreshCredentials = 30;

    // The maximum number of repetitions in one measurement.
    private const int MostGuesses = 6;

    private static readonly IPAddress Others = IPAddress.Parse("127.0.0.9");
    private static readonly IPAddress Greedy = IPAddress.Parse("127.0.0.2");
    private static readonly TimeSpan BetweenResolves = TimeSpan.FromMilliseconds(4);
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(500);

    private static readonly (string Name, Func<BoundsRun, Side, long, Task<string>> Run)[] Loads =
    [
        ("nothing", static async (_, _, end) =>
        {
            await Task.Delay(Until(end));
            return "";
        }),
        ("30 connections read the contract", static (run, side, end) => run.AskAsync(side, 30, end, static (into, _) => Get(into, "/openapi/v1.json", key: null))),
        ("12 connections read a list of 18 MB slowly", static (run, side, end) => run.ReadSlowlyAsync(side, 12, end)),
        ("16 connections send `PATCH {}`", static (run, side, end) => run.AskAsync(side, 16, end, (into, _) => Patch(into, side.Busy, side.Secret, "{}"))),
        ("16 connections ask for random ids", static (run, side, end) => run.AskAsync(side, 16, end, (into, _) => Get(into, $"/api/v1/secrets/{Guid.NewGuid()}", side.Busy))),
        ("110 connections write one secret", static (run, side, end) => run.AskAsync(side, 110, end, (into, number) => Patch(into, side.Busy, side.Secret, $$"""{"secret_value":"value {{number}}"}"""))),
        ("40 silent sockets of one address", static (run, side, end) => run.HoldSilentSocketsAsync(side, 40, end)),
        ($"{WrongCredentials} wrong credentials, then {FreshCredentials} fresh valid ones, over and over", static (run, side, end) => run.GuessAsync(side, end)),
    ];

    private readonly BenchOptions _options = options;

    public static async Task ExecuteAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        if (options.Against is null) throw new BenchException($"--bounds needs --against, the build to compare with.\n\n{BenchOptions.Usage}");
        (string, string)[] settings = [("Limits__RequestsPerMinute", "60000"), ("Quota__BytesPerOwner", "1048576")]; // The defaults of the service.
        using var workspace = new Workspace(options, settings);
        using var other = new Workspace(options with { Service = options.Against }, settings);
        var run = new BoundsRun(options, cancellationToken);
        await using var theirs = await run.StartAsync("before", other);
        await using var ours = await run.StartAsync("after", workspace);
        var (server, fileSystem) = await workspace.RequireDurabilityAsync(cancellationToken);
        var text = await run.MeasureAsync([theirs, ours], Machine.Describe(server, fileSystem));
        Console.WriteLine(text);
        if (options.Write) await PerformancePage.WriteAsync(Title, text, cancellationToken);
    }

    private async Task<string> MeasureAsync(Side[] sides, string machine)
    {
        var results = new Dictionary<(string Load, string Side), List<Result>>();
        for (var round = 1; round <= _options.Rounds; round++)
        {
            foreach (var (name, load) in Loads)
            {
                foreach (var side in Sites.InTurn(sides, round))
                {
                    var result = await MeasureAsync(side, load);
                    Progress.Say($"round {round}, {side.Name}, {name}: p50 {result.P50:0.0} ms, p99 {result.P99:0.0} ms, most {result.Most:0} ms, memory {result.Memory >> 20} MiB (+{result.Growth >> 20}), audit {result.Rows} rows, WAL {result.Bytes >> 10} KiB, failed {result.Failed}; {result.Note}");
                    if (!results.TryGetValue((name, side.Name), out var all)) results[(name, side.Name)] = all = [];
                    all.Add(result);
                }
            }
        }

        return Page(sides, results, machine);
    }

    private async Task<Result> MeasureAsync(Side side, Func<BoundsRun, Side, long, Task<string>> load)
    {
        await Task.Delay(Settling, cancellationToken);
        var (rows, bytes) = await side.WrittenAsync(cancellationToken);
        var before = side.Service.Memory.Now;
        var end = Stopwatch.GetTimestamp() + (long)(_options.Duration.TotalSeconds * Stopwatch.Frequency);
        var memory = Task.Run(() => PeakAsync(side.Service, end), cancellationToken);
        var loading = load(this, side, end);
        var others = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(() => ResolveAsync(side, end), cancellationToken)));
        var note = await loading;
        var latency = new LatencyHistogram();
        foreach (var one in others) latency.Add(one.Latency);
        var (rowsAfter, bytesAfter) = await side.WrittenAsync(cancellationToken);
        var peak = await memory;
        return new Result(latency.Percentile(0.5), latency.Percentile(0.99), latency.Percentile(1), latency.Count, others.Sum(one => one.Failed), peak, peak - before, rowsAfter - rows, bytesAfter - bytes, note);
    }

    /// <summary>Sends resolves for others, one after the other, until the end.</summary>
    private async Task<(LatencyHistogram Latency, int Failed)> ResolveAsync(Side side, long end)
    {
        var (latency, failed, random) = (new LatencyHistogram(), 0, (uint)Stopwatch.GetTimestamp());
        using var connection = await HttpConnection.OpenAsync(side.Service.Port, cancellationToken, Others);
        while (Stopwatch.GetTimestamp() < end)
        {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            var length = side.Resolve.Next(connection.Request, random);
            var sent = Stopwatch.GetTimestamp();
            var (status, _) = await connection.SendAsync(length, cancellationToken);
            latency.Record(Stopwatch.GetTimestamp() - sent);
            failed += status == 200 ? 0 : 1;
            await Task.Delay(BetweenResolves, cancellationToken);
        }

        return (latency, failed);
    }

    /// <summary>Sends requests over a number of connections, as fast as they are answered.</summary>
    /// <returns>The number of responses for each status.</returns>
    private async Task<string> AskAsync(Side side, int connections, long end, Func<byte[], long, int> write)
    {
        var statuses = new ConcurrentDictionary<int, int>();
        var (number, updates) = (0L, await side.UpdatesAsync(cancellationToken));
        await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(
            async () =>
            {
                while (Stopwatch.GetTimestamp() < end)
                {
                    try
                    {
                        using var connection = await HttpConnection.OpenAsync(side.Service.Port, cancellationToken, Greedy);
                        while (Stopwatch.GetTimestamp() < end)
                        {
                            var (status, _) = await connection.SendAsync(write(connection.Request, Interlocked.Increment(ref number)), cancellationToken);
                            statuses.AddOrUpdate(status, 1, static (_, count) => count + 1);
                        }
                    }
                    catch (Exception problem) when (problem is BenchException or SocketException)
                    {
                        // The service may close a connection.
                        statuses.AddOrUpdate(0, 1, static (_, count) => count + 1);
                        await Task.Delay(BetweenResolves, cancellationToken);
                    }
                }
            },
            cancellationToken)));
        return string.Join(", ", statuses.OrderBy(pair => pair.Key).Select(pair => Invariant($"{(pair.Key == 0 ? "closed" : pair.Key)}: {pair.Value:N0}")))
            + Invariant($"; {await side.UpdatesAsync(cancellationToken) - updates:N0} updates audited");
    }

    /// <summary>Reads a long list just fast enough for the web server.</summary>
    private async Task<string> ReadSlowlyAsync(Side side, int connections, long end)
    {
        var read = 0L;
        await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(
            async () =>
            {
                using var socket = await ConnectAsync(side.Service.Port, receiveBuffer: 4_096);
                var buffer = new byte[8_192];
                await socket.SendAsync(buffer.AsMemory(0, Get(buffer, "/api/v1/secrets", side.Large)), cancellationToken);
                while (Stopwatch.GetTimestamp() < end)
                {
                    if (socket.Available > 0) Interlocked.Add(ref read, await socket.ReceiveAsync(buffer, cancellationToken));
                    await Task.Delay(250, cancellationToken);
                }
            },
            cancellationToken)));
        return Invariant($"{read >> 10:N0} KiB read");
    }

    private async Task<string> HoldSilentSocketsAsync(Side side, int connections, long end)
    {
        var open = new List<Socket>();
        for (var at = 0; at < connections; at++) open.Add(await ConnectAsync(side.Service.Port));
        await Task.Delay(Until(end), cancellationToken);
        open.ForEach(socket => socket.Dispose());
        return "";
    }

    private async Task<string> GuessAsync(Side side, long end)
    {
        var (wrong, accepted, rounds) = (new ConcurrentDictionary<int, int>(), 0, 0);
        var slowest = 0.0;
        while (Stopwatch.GetTimestamp() < end && rounds < MostGuesses && side.Fresh.Count >= FreshCredentials)
        {
            rounds++;
            var left = WrongCredentials;
            var guesses = Enumerable.Range(0, 32).Select(_ => Task.Run(
                async () =>
                {
                    using var connection = await HttpConnection.OpenAsync(side.Service.Port, cancellationToken, Greedy);
                    while (Interlocked.Decrement(ref left) >= 0)
                    {
                        var key = $"secsvc_{Guid.NewGuid():N}{Guid.NewGuid():N}"[..59];
                        var (status, _) = await connection.SendAsync(Get(connection.Request, "/api/v1/secrets?limit=1", key), cancellationToken);
                        wrong.AddOrUpdate(status, 1, static (_, count) => count + 1);
                    }
                },
                cancellationToken)).ToList();
            var fresh = Enumerable.Range(0, FreshCredentials).Select(_ => Task.Run(
                async () =>
                {
                    side.Fresh.TryTake(out var key);
                    using var connection = await HttpConnection.OpenAsync(side.Service.Port, cancellationToken, Greedy);
                    var sent = Stopwatch.GetTimestamp();
                    var (status, _) = await connection.SendAsync(Get(connection.Request, "/api/v1/secrets?limit=1", key), cancellationToken);
                    return (status, Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
                },
                cancellationToken)).ToList();
            foreach (var (status, milliseconds) in await Task.WhenAll(fresh))
            {
                accepted += status == 200 ? 1 : 0;
                slowest = Math.Max(slowest, milliseconds);
            }

            await Task.WhenAll(guesses);
        }

        await Task.Delay(Until(end), cancellationToken);
        return Invariant($"{accepted} of {rounds * FreshCredentials} valid accepted, the slowest in {slowest:0} ms; wrong ones {string.Join(", ", wrong.OrderBy(pair => pair.Key).Select(pair => Invariant($"{pair.Key}: {pair.Value:N0}")))}");
    }

    private async Task<Socket> ConnectAsync(int port, int? receiveBuffer = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (receiveBuffer is { } size) socket.ReceiveBufferSize = size; // Before connecting: the window does not shrink later.
        socket.Bind(new IPEndPoint(Greedy, 0));
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), cancellationToken);
        return socket;
    }

    private async Task<Side> StartAsync(string name, Workspace workspace)
    {
        Progress.Say($"{name}: starting, storing secrets");
        var (service, _) = await Service.StartAsync(workspace, Service.BootstrapKey, cancellationToken);
        try
        {
            var load = new LoadGenerator(service, 32);
            var make = new MakeOwners(Service.BootstrapKey, Owners + 2 + (_options.Rounds * MostGuesses * FreshCredentials));
            await load.RunAsync(make, cancellationToken);
            var owners = make.Made.Take(Owners).ToList();
            var rest = make.Made.Skip(Owners).Select(owner => owner.Key).ToList();
            var (busy, large) = (rest[0], rest[1]);
            await load.RunAsync(new StoreDefaults(owners), cancellationToken);
            var resolve = new Resolve("/api/v1/secrets/resolve", await service.MakeRuntimeAsync(cancellationToken), owners, "\"secret_value\":\"lin_api_"u8.ToArray());
            var secret = await StoreAsync(service, busy, count: 1, "a name");
            await StoreAsync(service, large, LargeList, string.Concat(Enumerable.Repeat("🔑", 1_000)));

            // The first request for the contract creates the cached document.
            using (var first = await HttpConnection.OpenAsync(service.Port, cancellationToken)) await first.SendAsync(Get(first.Request, "/openapi/v1.json", key: null), cancellationToken);
            await load.RunAsync(resolve, _options.Quick ? _options.Duration : TimeSpan.FromSeconds(10), cancellationToken);
            return new Side(name, workspace, service, resolve, busy, secret, large, [.. rest.Skip(2)]);
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stores secrets of a user. Name, tool and argument begin with a text. Returns the id of the first secret.</summary>
    private async Task<Guid> StoreAsync(Service service, string key, int count, string text)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{service.Port}"), Timeout = TimeSpan.FromMinutes(5) };
        http.DefaultRequestHeaders.Add("x-api-key", key);
        var first = Guid.Empty;
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = cancellationToken }, async (number, token) =>
        {
            var name = text + number.ToString(CultureInfo.InvariantCulture);
            using var answer = await http.PostAsJsonAsync("/api/v1/secrets", new { secret_name = name, secret_value = "four", tool_name = name, tool_arg = name }, token);
            var made = await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonNode>(token);
            if (number == 0) first = made!["secret_id"]!.GetValue<Guid>();
        });
        return first;
    }

    private static async Task<long> PeakAsync(Service service, long end)
    {
        var peak = 0L;
        do
        {
            peak = Math.Max(peak, service.Memory.Now);
            await Task.Delay(100);
        }
        while (Stopwatch.GetTimestamp() < end);
        return peak;
    }

    private static TimeSpan Until(long end) => TimeSpan.FromSeconds(Math.Max(0, (end - Stopwatch.GetTimestamp()) / (double)Stopwatch.Frequency));

    private static int Get(byte[] into, string path, string? key) =>
        Utf8.TryWrite(into, $"GET {path} HTTP/1.1\r\nHost: localhost\r\n{(key is null ? "" : $"x-api-key: {key}\r\n")}\r\n", out var length) ? length : 0;

    private static int Patch(byte[] into, string key, Guid secret, string body) =>
        Utf8.TryWrite(
            into,
            $"PATCH /api/v1/secrets/{secret} HTTP/1.1\r\nHost: localhost\r\nx-api-key: {key}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}",
            out var length) ? length : 0;

    private string Page(Side[] sides, Dictionary<(string Load, string Side), List<Result>> results, string machine)
    {
        var table = new StringBuilder();
        foreach (var (name, _) in Loads)
        {
            foreach (var side in sides)
            {
                var (all, idle) = (results[(name, side.Name)], Median(results[(Loads[0].Name, side.Name)], result => result.P99));
                var p99 = Median(all, result => result.P99);
                var held = p99 <= Math.Max(3 * idle, 100) && all.TrueForAll(result => result.Failed == 0) ? "yes" : "**no**";
                table.AppendLine(Invariant(
                    $"| {name} | {side.Name} | {Median(all, result => result.P50):0.0} | {p99:0} ({string.Join(", ", all.Select(result => Invariant($"{result.P99:0}")))}) | {held} | {Median(all, result => result.Growth) / 1048576:0} (at most {all.Max(result => result.Memory) >> 20}) | {Median(all, result => result.Rows):0} | {Median(all, result => result.Bytes) / 1024:0} | {all[^1].Note} |"));
            }
        }

        return Invariant($"""
            {Title}

            What `{_options.Command()} --against FILE` measured on {TimeProvider.System.GetUtcNow():yyyy-MM-dd}, and what it means. That command writes this part of the page.

            {machine} {_options.Seconds} s per measurement, {_options.Rounds} rounds, both builds by turns.

            | load | build | p50 ms | p99 ms (rounds) | held | memory grows by MiB | audit rows | WAL KiB | last round |
            |---|---|--:|--:|---|--:|--:|--:|---|
            {table}
            - A runtime resolves for other users, from an address of its own, every few milliseconds on two connections. The table shows the latency of these resolves while another client sends the load.
              **Held**: p99 is at most three times the p99 without load, or 100 ms if that is more, and no resolve failed.
            - The load generator shares the cores with the service, so a load with fast responses slows the resolves too. Figures are medians of the rounds. Memory is peak resident memory, compared with that before the load.
            - If others use the machine at the same time, single rounds are off by a factor of ten. Compare the two builds, and both with the first two lines.
            - Audit rows and WAL include those of the resolves: compare with the first two lines.

            """).ReplaceLineEndings("\n");
    }

    private static double Median(List<Result> all, Func<Result, double> of) => Report.Median(all.Select(of));

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>The result of one load.</summary>
    private sealed record Result(double P50, double P99, double Most, long Count, int Failed, long Memory, long Growth, long Rows, long Bytes, string Note);

    /// <summary>One build with its database.</summary>
    private sealed record Side(string Name, Workspace Workspace, Service Service, Resolve Resolve, string Busy, Guid Secret, string Large, ConcurrentBag<string> Fresh) : IAsyncDisposable
    {
        /// <summary>The number of audit rows, and of bytes that the database wrote, so far.</summary>
        public async Task<(long Rows, long Bytes)> WrittenAsync(CancellationToken cancellationToken) =>
            (await Workspace.NumberAsync("SELECT count(*) FROM audit", cancellationToken), await Workspace.NumberAsync("SELECT (pg_current_wal_lsn() - '0/0')::bigint", cancellationToken));

        /// <summary>The number of audited updates of secrets.</summary>
        public Task<long> UpdatesAsync(CancellationToken cancellationToken) => Workspace.NumberAsync("SELECT count(*) FROM audit WHERE action = 11 AND outcome = 1", cancellationToken);

        public ValueTask DisposeAsync() => Service.DisposeAsync();
    }
}
