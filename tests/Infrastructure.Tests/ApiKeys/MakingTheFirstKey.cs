using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Secrets.Application.Common;
using Secrets.Infrastructure.Credentials.ApiKeys;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.ApiKeys;

/// <summary>Replicas without a configured bootstrap key make the first key. The server of the test has a configured one.</summary>
public sealed class MakingTheFirstKey : IAsyncLifetime
{
    private readonly ApiServer _server = new();

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Of_many_that_find_none_one_makes_it()
    {
        for (var made = 1; made <= 3; made++)
        {
            var texts = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => Task.Run(MakeAsync)));

            Assert.Single(texts, text => text is not null);
            Assert.Equal((made, 1), (await CountAsync("1 = 1"), await CountAsync("revoked_at IS NULL")));
            await RevokeAsync();
        }
    }

    private async Task<string?> MakeAsync()
    {
        await using var scope = _server.Services.CreateAsyncScope();
        var first = ActivatorUtilities.CreateInstance<FirstKey>(scope.ServiceProvider, Options.Create(new AuthOptions()));
        return await first.MakeIfMissingAsync(TestContext.Current.CancellationToken);
    }

    private async Task RevokeAsync()
    {
        await using var scope = _server.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<ISecretsDb>();
        await db.InTransactionAsync(
            async token =>
            {
                var key = await db.ApiKeys.AsNoTracking().SingleAsync(key => key.RevokedAt == null, token);
                await db.LockKeysAsync(key.UserId, token);
                (await db.ApiKeys.SingleAsync(other => other.Id == key.Id, token)).Revoke(TimeProvider.System.GetUtcNow());
                return true;
            },
            TestContext.Current.CancellationToken);
    }

    private Task<long> CountAsync(string condition) => _server.ScalarAsync<long>($"SELECT CAST(count(*) AS bigint) FROM api_keys WHERE {condition}");
}
