using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>Three processes of the service on one database.</summary>
public sealed class Replicas : IAsyncLifetime
{
    public const int Count = 3;

    private readonly ServiceProcess[] _processes = new ServiceProcess[Count];
    private readonly ApiClient[] _clients = new ApiClient[Count];
    private Installation _installation = null!;

    /// <summary>A client of that replica, or of the process that is or was the last in its place.</summary>
    public ApiClient this[int replica] => Volatile.Read(ref _clients[replica]);

    /// <summary>What the processes wrote to their terminals.</summary>
    public string Output => string.Join('\n', _processes.Select(process => process.Output));

    /// <summary>Runs a statement behind the back of all.</summary>
    public Task AttackAsync(string sql) => TestDatabase.RunAsync(_installation.ConnectionString, TestDatabase.Own(sql), [], command => command.ExecuteNonQueryAsync());

    public async ValueTask InitializeAsync()
    {
        if (!TestDatabase.IsThere)
        {
            return; // and every test is skipped
        }

        _installation = await Installation.NewAsync();
        await _installation.MakeAsync();
        await Task.WhenAll(Enumerable.Range(0, Count).Select(StartAsync));
    }

    public async ValueTask DisposeAsync()
    {
        if (!TestDatabase.IsThere)
        {
            return;
        }

        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }

        foreach (var client in _clients)
        {
            client.Dispose();
        }

        _installation.Dispose();
    }

    /// <summary>kill -9, and a new process in its place.</summary>
    public async Task ReplaceAsync(int replica)
    {
        await _processes[replica].KillAsync();
        await _processes[replica].DisposeAsync();
        await StartAsync(replica);
    }

    private async Task StartAsync(int replica)
    {
        _processes[replica] = _installation.Start();
        Volatile.Write(ref _clients[replica], await _processes[replica].ClientAsync(Installation.Key));
    }
}
