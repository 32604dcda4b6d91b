using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Secrets.Bench;

/// <summary>The whole run, from an empty directory to the table.</summary>
internal sealed class BenchRun
{
    private const int Owners = 1_000;

    // These hold ten secrets each at either size, so that the same list is the same work.
    private const int OwnersOfTen = 100;

    private const int Restarts = 3;

    // In requests and not in seconds: that is what the runtime counts before it compiles a method again.
    private const int WarmUpRequests = 20_000;

    private static readonly TimeSpan WarmUpLimit = TimeSpan.FromSeconds(60);

    private readonly BenchOptions _options;
    private readonly Workspace _workspace;
    private readonly Service _service;
    private readonly LoadGenerator _load;
    private readonly CancellationToken _cancellationToken;
    private readonly Report _report;

    private BenchRun(BenchOptions options, Workspace workspace, Service service, Report report, CancellationToken cancellationToken)
    {
        _options = options;
        _workspace = workspace;
        _service = service;
        _load = new LoadGenerator(service, options.Connections);
        _report = report;
        _cancellationToken = cancellationToken;
    }

    public static async Task ExecuteAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        if (Debugger.IsAttached || IsDebugBuild) throw new BenchException("Measure a release build: dotnet run -c Release --project bench");

        using var workspace = new Workspace(options);
        var report = new Report(options);
        Say("first start, on an empty directory");
        var (service, firstStart) = await Service.StartAsync(workspace, Service.BootstrapKey, cancellationToken);
        Owner owner;
        await using (service)
        {
            report.FirstStart = firstStart;
            var run = new BenchRun(options, workspace, service, report, cancellationToken);
            owner = await run.MeasureAsync();
            report.Memory = service.Memory;
        }

        for (var at = 0; at < Restarts && !options.OnlyCreate; at++)
        {
            Say("start on the data that is there");
            var (again, elapsed) = await Service.StartAsync(workspace, owner.Key, cancellationToken);
            await using (again) report.Starts.Add(elapsed);
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

    private async Task<Owner> MeasureAsync()
    {
        (_report.Server, _report.FileSystem) = await _workspace.RequireDurabilityAsync(_cancellationToken);

        Say($"{Owners:N0} owners with a key each");
        var make = new MakeOwners(Service.BootstrapKey, Owners);
        await _load.RunAsync(make, _cancellationToken);
        var owners = make.Made.ToList();
        var (ofTen, others) = (owners[..OwnersOfTen], owners[OwnersOfTen..]);

        // The runtime compiles what is busy a second time, and every owner's data key is made at its first secret.
        Say("warming up");
        var warmUp = new Create(owners, "warm-up", WarmUpRequests, inTurn: true);
        await _load.RunAsync(warmUp, _options.Quick ? TimeSpan.FromSeconds(3) : WarmUpLimit, _cancellationToken);
        await RemoveAsync(warmUp);

        Say($"storing {BenchOptions.Small:N0} secrets");
        var few = new Create(ofTen, "few", BenchOptions.Small, inTurn: true);
        await _load.RunAsync(few, _cancellationToken);
        var floor = await Floor.PrepareAsync(_workspace, _options.Connections, await RowBytesAsync(), _cancellationToken);
        if (floor is null) Say(Floor.Missing);
        await SettleAsync();
        if (!_options.OnlyCreate) await ReadAsync(BenchOptions.Small, [.. few.Made], ofTen, ofTen);
        await CompeteAsync(BenchOptions.Small, owners, floor);
        if (_options.OnlyCreate) return owners[0];

        Say($"storing {_options.Large:N0} secrets");
        var many = new Create(others, "many", _options.Large - BenchOptions.Small, inTurn: true);
        await _load.RunAsync(many, _cancellationToken);
        await SettleAsync();
        await ReadAsync(_options.Large, [.. few.Made, .. many.Made], others, ofTen);
        await CompeteAsync(_options.Large, owners, floor);
        return owners[0];
    }

    private async Task ReadAsync(int size, IReadOnlyList<Stored> stored, IReadOnlyList<Owner> paged, IReadOnlyList<Owner> ofTen)
    {
        await MeasureReadAsync(Report.Get, size, new Get(stored));
        await MeasureReadAsync(Report.Page, size, new List(paged, "?limit=10"));
        await MeasureReadAsync(Report.Whole, size, new List(ofTen, ""));
    }

    private async Task MeasureReadAsync(string name, int size, Workload workload)
    {
        Say($"{name}, {size:N0} stored");
        await _load.RunAsync(workload, _options.Duration / 2, _cancellationToken);
        _report.Add(name, size, await _load.RunAsync(workload, _options.Duration, _cancellationToken));
    }

    // One after the other, round by round: whatever else the machine does meets both.
    private async Task CompeteAsync(int size, IReadOnlyList<Owner> owners, Floor? floor)
    {
        for (var round = 1; round <= _options.Rounds; round++)
        {
            Say($"floor and create, {size:N0} stored, round {round} of {_options.Rounds}");
            var best = floor is null ? (double?)null : await floor.MeasureAsync(_options.Duration, _cancellationToken);
            var series = string.Create(CultureInfo.InvariantCulture, $"{size}-{round}");
            var warmUp = new Create(owners, $"{series}-warm-up");
            await _load.RunAsync(warmUp, TimeSpan.FromSeconds(1), _cancellationToken);
            var create = new Create(owners, series);
            var measured = await _load.RunAsync(create, _options.Duration, _cancellationToken);
            _report.Add(Report.Create, size, measured);
            if (best is { } most) _report.AddRound(size, most, measured.PerSecond);
            Say(best is { } of
                ? string.Create(CultureInfo.InvariantCulture, $"  floor {of:N0}/s, create {measured.PerSecond:N0}/s: {measured.PerSecond / of:0.000}")
                : string.Create(CultureInfo.InvariantCulture, $"  create {measured.PerSecond:N0}/s"));

            // Back to the size that the next measurement is about.
            await RemoveAsync(warmUp);
            _report.Add(Report.Delete, size, await RemoveAsync(create));
            await SettleAsync();
        }
    }

    private Task<Measurement> RemoveAsync(Create made) => _load.RunAsync(new Delete(made.Made), _cancellationToken);

    // What the server does by itself every minute, done now, so that it falls into no measurement.
    private Task SettleAsync() => _workspace.ExecuteAsync("VACUUM (ANALYZE) secrets, owners, api_keys, audit", _cancellationToken);

    private async Task<int> RowBytesAsync()
    {
        await using var connection = await _workspace.ConnectAsync("secrets", _cancellationToken);
        await using var command = new NpgsqlCommand("SELECT avg(pg_column_size(secrets.*))::int FROM secrets", connection);
        return _report.RowBytes = (int)(await command.ExecuteScalarAsync(_cancellationToken))!;
    }

    private static void Say(string what) => Console.Error.WriteLine($"{TimeProvider.System.GetLocalNow():HH:mm:ss} {what}");
}
