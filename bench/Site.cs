namespace Secrets.Bench;

/// <summary>One size of a comparison: a service that holds so many secrets, with a database and a directory of its own.</summary>
internal sealed class Site : IAsyncDisposable
{
    private FloorProcess? _floors;

    private Site(int size, Workspace workspace, Service service, TimeSpan firstStart)
    {
        Size = size;
        Workspace = workspace;
        Service = service;
        FirstStart = firstStart;
    }

    /// <summary>Secrets that it holds once it is loaded.</summary>
    public int Size { get; }

    public Workspace Workspace { get; }

    public Service Service { get; private set; }

    /// <summary>From the start of the process on an empty directory to the first answer.</summary>
    public TimeSpan FirstStart { get; }

    /// <summary>Starts the service on an empty directory.</summary>
    public static async Task<Site> StartAsync(BenchOptions options, int size, CancellationToken cancellationToken)
    {
        var workspace = new Workspace(options);
        try
        {
            var (service, firstStart) = await Service.StartAsync(workspace, Service.BootstrapKey, cancellationToken);
            return new Site(size, workspace, service, firstStart);
        }
        catch
        {
            workspace.Dispose();
            throw;
        }
    }

    /// <summary>Starts the floors of a resolve on this database; they end with the site.</summary>
    public async Task<FloorProcess> StartFloorsAsync(CancellationToken cancellationToken) =>
        _floors = await FloorProcess.StartAsync(Workspace, cancellationToken);

    /// <summary>Makes users with a key each.</summary>
    public async Task<List<Owner>> MakeOwnersAsync(LoadGenerator load, int count, CancellationToken cancellationToken)
    {
        Progress.Say($"{Size:N0} stored: {count:N0} owners with a key each");
        var make = new MakeOwners(Service.BootstrapKey, count);
        await load.RunAsync(make, cancellationToken);
        return [.. make.Made];
    }

    /// <summary>Does now what the server does by itself every minute, so that it falls into no measurement.</summary>
    public Task SettleAsync(CancellationToken cancellationToken) =>
        Workspace.ExecuteAsync("VACUUM (ANALYZE) secrets, owners, api_keys, data_keys, audit", cancellationToken);

    /// <summary>Stops the service and starts it on the data that is there.</summary>
    /// <returns>The time from the start of the process to the first list that it answered.</returns>
    public async Task<TimeSpan> RestartAsync(string key, CancellationToken cancellationToken)
    {
        await Service.DisposeAsync();
        (Service, var elapsed) = await Service.StartAsync(Workspace, key, cancellationToken);
        return elapsed;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            _floors?.Dispose();
            await Service.DisposeAsync();
        }
        finally
        {
            Workspace.Dispose();
        }
    }
}

/// <summary>
/// The sites of a run, all up at the same time. One service that grows between its measurements would be compared with itself some minutes
/// ago, on a machine that changes more within minutes than a size ever does. An idle site costs the measured one next to nothing.
/// </summary>
internal sealed class Sites : IAsyncDisposable
{
    private readonly List<Site> _all = [];

    /// <summary>From the smallest to the largest.</summary>
    public IReadOnlyList<Site> All => _all;

    /// <summary>Starts one site for each size of the options.</summary>
    public static async Task<Sites> StartAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        var sites = new Sites();
        try
        {
            foreach (var size in options.Sizes)
            {
                Progress.Say($"{size:N0} stored: first start, on an empty directory");
                sites._all.Add(await Site.StartAsync(options, size, cancellationToken));
            }

            return sites;
        }
        catch
        {
            await sites.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whose turn it is: from small to large in one round and back in the next, so that none is always the later one.</summary>
    public static IEnumerable<T> InTurn<T>(IReadOnlyList<T> all, int round) => round % 2 == 1 ? all : all.Reverse();

    // All of them, also when one fails to.
    public async ValueTask DisposeAsync() => await Task.WhenAll(_all.Select(site => site.DisposeAsync().AsTask()));
}
