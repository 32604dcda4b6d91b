using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>Three replicas on one database, in the process of the tests. They share no state, because the service has none in static fields.</summary>
public class Replicas : IAsyncLifetime
{
    public const int Count = 3;

    private readonly RunningService[] _services = new RunningService[Count];
    private readonly ApiClient[] _clients = new ApiClient[Count];
    private Installation _installation = null!;

    /// <summary>The client of a replica. After a replacement it reaches the new process.</summary>
    public ApiClient this[int replica] => Volatile.Read(ref _clients[replica]);

    /// <summary>The console output of all replicas.</summary>
    public string Output => string.Join('\n', _services.Select(service => service.Output));

    /// <summary>Runs a statement directly in the database.</summary>
    public Task AttackAsync(string sql) => TestDatabase.RunAsync(_installation.ConnectionString, TestDatabase.Own(sql), [], command => command.ExecuteNonQueryAsync());

    public async ValueTask InitializeAsync()
    {
        if (!IsPossible)
        {
            return; // every test is skipped
        }

        _installation = await Installation.NewAsync();
        await MakeAsync(_installation);
        await Task.WhenAll(Enumerable.Range(0, Count).Select(StartAsync));
    }

    public async ValueTask DisposeAsync()
    {
        if (!IsPossible)
        {
            return;
        }

        foreach (var service in _services)
        {
            await service.DisposeAsync();
        }

        foreach (var client in _clients)
        {
            client.Dispose();
        }

        _installation.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Whether the replicas can run here. If not, every test is skipped.</summary>
    protected virtual bool IsPossible => TestDatabase.IsThere;

    /// <summary>Creates the database.</summary>
    protected virtual Task MakeAsync(Installation installation) => installation.MakeAsync();

    protected virtual RunningService Start(Installation installation) => installation.StartHere();

    protected async Task ReplaceAsync(int replica, Func<RunningService, Task> endAsync)
    {
        await endAsync(_services[replica]);
        await _services[replica].DisposeAsync();
        await StartAsync(replica);
    }

    private async Task StartAsync(int replica)
    {
        _services[replica] = Start(_installation);
        Volatile.Write(ref _clients[replica], await _services[replica].ClientAsync(Installation.Key));
    }
}

/// <summary>Replicas in separate processes, which can be killed.</summary>
public sealed class ReplicaProcesses : Replicas
{
    /// <summary>Kills a replica (kill -9) and starts a new process.</summary>
    public Task ReplaceAsync(int replica) => ReplaceAsync(replica, service => ((ServiceProcess)service).KillAsync());

    protected override RunningService Start(Installation installation) => installation.Start();
}
