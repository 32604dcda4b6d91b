using MediatR;
using Secrets.Application.Behaviours;
using Secrets.Application.Common;
using Secrets.Application.Resolution;
using Secrets.Application.Secrets;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;

namespace Secrets.Application.Tests.Common;

public sealed class CachingCallers
{
    private static readonly ApiKey Key = new(
        Guid.NewGuid(), "a key", ApiKeyText.Generate(), Scopes.All, Guid.NewGuid(), membership: null, Guid.NewGuid(), TimeProvider.System.GetUtcNow());

    private static readonly Caller Cached = new(Key.UserId, Scopes.All, [], Credential.OfKey(Key.Id, end: null)) { CachedKey = new CachedKey(Key, 1, 0) };

    [Fact]
    public async Task A_cached_caller_is_refused_for_requests_that_do_not_confirm_it()
    {
        var list = new ListSecrets(OwnerSelector.Caller, null, null, null, null, null);

        await Assert.ThrowsAsync<InvalidOperationException>(() => SendAsync<ListSecrets, Page<SecretDetails>>(list, Cached));
        Assert.Null(await SendAsync<ListSecrets, Page<SecretDetails>>(list, Cached with { CachedKey = null }));
    }

    [Fact]
    public async Task A_resolve_confirms_its_caller() =>
        Assert.Null(await SendAsync<ResolveSecrets, ResolvedSecrets>(new ResolveSecrets(null, "t", null, null, null, null), Cached));

    private static Task<TResponse> SendAsync<TRequest, TResponse>(TRequest request, Caller caller)
        where TRequest : IRequest<TResponse> =>
        new AuthorizationBehaviour<TRequest, TResponse>(caller, new NoOperators()).Handle(request, CancellationToken.None, () => Task.FromResult<TResponse>(default!));

    private sealed class NoOperators : IOperators
    {
        public Task<bool> ContainAsync(Guid userId, CancellationToken cancellationToken) => Task.FromResult(false);
    }
}
