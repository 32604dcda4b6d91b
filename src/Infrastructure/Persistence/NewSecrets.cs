using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Secrets.Application.Common;
using Secrets.Application.Secrets;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Batching;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Group commit of new secrets: those that arrive while one transaction is under way share the next.</summary>
internal sealed class NewSecrets : INewSecrets, IAsyncDisposable
{
    private readonly IServiceScopeFactory _scopes;
    private readonly INewSecretStore _store;
    private readonly IDatabaseFaults _faults;
    private readonly long _quota;
    private readonly Batcher<Secret, NewSecret?> _batcher;

    public NewSecrets(IServiceScopeFactory scopes, INewSecretStore store, IDatabaseFaults faults, IOptions<QuotaOptions> quota)
    {
        _scopes = scopes;
        _store = store;
        _faults = faults;
        _quota = quota.Value.BytesPerOwner;
        _batcher = new Batcher<Secret, NewSecret?>(new BatchLimits(store.MaxBatch, Workers: 1, Capacity: 10_000), StoreAsync);
    }

    public Task<NewSecret?> TryStoreAsync(Secret secret, CancellationToken cancellationToken) =>
        _batcher.AddAsync(secret, cancellationToken);

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();

    private async Task<IReadOnlyList<NewSecret?>> StoreAsync(IReadOnlyList<Secret> secrets)
    {
        await using var scope = _scopes.CreateAsyncScope();
        try
        {
            return await _store.StoreAsync(scope.ServiceProvider.GetRequiredService<SecretsDbContext>(), secrets, _quota);
        }
        catch (Exception exception) when (!_faults.IsUnavailable(exception) && secrets.Count > 1)
        {
            // One of them upset the database: each goes its own way, and only that one fails.
            return new NewSecret?[secrets.Count];
        }
    }
}
