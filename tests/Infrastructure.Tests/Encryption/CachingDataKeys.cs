using Microsoft.Extensions.Time.Testing;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.DataKeys;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Encryption;

public sealed class CachingDataKeys
{
    // More than the cache's capacity.
    private static readonly int Many = Campaign.Size(1_000_000, least: 300_000);

    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow());
    private readonly DataKeyCache _cache;

    public CachingDataKeys() => _cache = new DataKeyCache(_clock);

    [Fact]
    public void What_is_asked_for_again_and_again_stays_whatever_comes()
    {
        var (key, owner) = (NewKey(), SecretOwner.User(Guid.NewGuid()));
        _cache.AddCurrent(owner, key);
        for (var count = 0; count < Many; count++)
        {
            _cache.AddCurrent(SecretOwner.User(Guid.NewGuid()), NewKey());
            Assert.Same(key, _cache.Find(key.Id));
            Assert.Same(key, _cache.FindCurrent(owner));
        }
    }

    [Fact]
    public void What_is_not_asked_for_makes_room()
    {
        var keys = Enumerable.Range(0, Many).Select(_ => NewKey()).ToList();

        keys.ForEach(_cache.Add);

        Assert.InRange(keys.Count(key => _cache.Find(key.Id) is not null), 100_000, 200_000);
        Assert.Same(keys[^1], _cache.Find(keys[^1].Id));
    }

    [Fact]
    public void Each_is_forgotten_after_its_time_however_often_it_is_asked_for()
    {
        var (key, owner) = (NewKey(), SecretOwner.User(Guid.NewGuid()));
        _cache.AddCurrent(owner, key);
        _clock.Advance(DataKeyCache.Lifetime - TimeSpan.FromTicks(1));
        Assert.Same(key, _cache.Find(key.Id));
        Assert.Same(key, _cache.FindCurrent(owner));

        _clock.Advance(TimeSpan.FromTicks(1));

        Assert.Null(_cache.Find(key.Id));
        Assert.Null(_cache.FindCurrent(owner));
    }

    private static DataKey NewKey() => new(Guid.NewGuid(), new byte[AesGcmBox.KeySize]);
}
