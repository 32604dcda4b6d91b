namespace Secrets.Bench;

/// <summary>One size of a comparison: a service with a number of secrets, its own database and its own directory.</summary>
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

    /// <summary>The number of secrets after loading.</summary>
    public int Size { get; }

    public Workspace Workspace { get; }

    public Service Service { get; private set; }

    /// <summary>The time from the start of the process on an empty directory to the first response.</summary>
    public TimeSpan FirstStart { get; }

    /// <summary>Starts the service on an empty directory.</summary>
    public static async Task<Site> StartAsync(BenchOptions options, int size, CancellationToken cancellationToken, params (string Name, string Value)[] settings)
    {
        var workspace = new Workspace(options, settings);
        try
        {
            if (!workspace.IsEmbedded) await Service.MigrateAsync(workspace, cancellationToken);
            var (service, firstStart) = await Service.StartAsync(workspace, Service.BootstrapKey, cancellationToken);
            return new Site(size, workspace, service, firstStart);
        }
        catch
        {
            workspace.Dispose();
            throw;
        }
    }

    /// <summary>Starts the floors of a resolve on this database. They end with the site.</summary>
    public async Task<FloorProcess> StartFloorsAsync(CancellationToken cancellationToken) =>
        _floors = await FloorProcess.StartAsync(Workspace, cancellationToken);

    /// <summary>Makes users with one key each.</summary>
    public async Task<List<Owner>> MakeOwnersAsync(LoadGenerator load, int count, CancellationToken cancellationToken)
    {
        Progress.Say($"{Size:N0} stored: {count:N0} owners with one key each");
        var make = new MakeOwners(Service.BootstrapKey, count);
        await load.RunAsync(make, cancellationToken);
        return [.. make.Made];
    }

    /// <summary>Runs now the maintenance that the embedded server runs by itself every minute, so that no measurement contains it.</summary>
    public Task SettleAsync(CancellationToken cancellationToken) =>
        Workspace.IsEmbedded ? Workspace.ExecuteAsync("VACUUM (ANALYZE) secrets, owners, api_keys, data_keys, audit", cancellationToken) : Task.CompletedTask;

    /// <summary>Restarts the service on its existing data.</summary>
    /// <returns>The time from the start of the process to the response to its first list.</returns>
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
/// The sites of a run, all running at the same time. A single service that grows between measurements would be compared with itself minutes ago. A machine
/// changes more within minutes than a size does. An idle site costs the measured one next to nothing.
/// </summary>
internal sealed class Sites : IAsyncDisposable
{
    private readonly List<Site> _all = [];

    /// <summary>The sites, from the smallest to the largest.</summary>
    public IReadOnlyList<Site> All => _all;

    /// <summary>Starts a site for each size of the options.</summary>
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

    /// <summary>The order of a round: from small to large in one round, reversed in the next, so that no site is always the later one.</summary>
    public static IEnumerable<T> InTurn<T>(IReadOnlyList<T> all, int round) => round % 2 == 1 ? all : all.Reverse();

    // Dispose all sites, even if one fails.
    public async ValueTask DisposeAsync() => await Task.WhenAll(_all.Select(site => site.DisposeAsync().AsTask()));
}
