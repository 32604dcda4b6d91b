using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Infrastructure.Credentials.ApiKeys;
using Secrets.Infrastructure.Integrity;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.ApiKeys;

/// <summary>A cached key is looked up often enough that the last use in its row is at most a minute old.</summary>
public sealed class CachingKeys(ApiServer server) : IClassFixture<ApiServer>
{
    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow());

    [Theory]
    [InlineData(0)]
    [InlineData(59)]
    public void A_key_is_remembered_until_its_use_has_to_be_noted_again(int notedSecondsAgo)
    {
        var remembered = new ApiKeyCache(new VersionFloors<Guid>(), _clock);
        var key = new CachedKey(
            new ApiKey(Guid.NewGuid(), "n", ApiKeyText.Generate(), Scopes.SecretsResolve, Guid.NewGuid(), null, Guid.NewGuid(), _clock.GetUtcNow()), Version: 1, Stamp: 0);

        remembered.Add(key, TimeSpan.FromSeconds(notedSecondsAgo));

        _clock.Advance(TimeSpan.FromSeconds(60 - notedSecondsAgo) - TimeSpan.FromTicks(1));
        Assert.Same(key, remembered.Find(key.Key.Prefix));
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Null(remembered.Find(key.Key.Prefix));
    }

    [Theory]
    [InlineData(-30, 30)]
    [InlineData(0, 0)]
    [InlineData(600, 0)] // by the clock of another replica
    [InlineData(-90, 0)] // and it is noted again
    public async Task How_long_ago_it_was_noted_is_never_less_than_nothing(int lastUsedSeconds, int expectedSeconds)
    {
        using var user = await server.NewUserAsync();
        var now = new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);
        await server.ExecuteSqlAsync(
            "UPDATE api_keys SET last_used_at = @at WHERE prefix = @prefix", ("at", now.AddSeconds(lastUsedSeconds)), ("prefix", ApiKeyText.PrefixOf(user.Key!)));
        var lookup = server.Services.GetRequiredService<ApiKeyLookup>();
        var found = await lookup.FindAsync(ApiKeyText.PrefixOf(user.Key!), TestContext.Current.CancellationToken);

        Assert.Equal((TimeSpan?)TimeSpan.FromSeconds(expectedSeconds), await lookup.TouchAsync(found!.Key!, now, TestContext.Current.CancellationToken));
    }
}
