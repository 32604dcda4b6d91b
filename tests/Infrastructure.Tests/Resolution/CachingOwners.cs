using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Resolution;

namespace Secrets.Infrastructure.Tests.Resolution;

public sealed class CachingOwners
{
    private const int Size = 1_000;

    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow());

    [Fact]
    public void What_is_asked_for_again_and_again_stays_and_the_rest_makes_room()
    {
        var remembered = With(megabytes: 1);
        var (busy, others) = (NewOwner(), Enumerable.Range(0, 20_000).Select(_ => NewOwner()).ToList());
        remembered.Add(busy, Read(1));

        foreach (var other in others)
        {
            remembered.Add(other, Read(2));
            Assert.Equal(1, remembered.Find(busy)?.Stamp);
        }

        // Entries count with their overhead.
        Assert.InRange(others.Count(other => remembered.Find(other) is not null), 500, 1_000);
        Assert.NotNull(remembered.Find(others[^1]));
    }

    [Fact]
    public void What_is_remembered_anew_takes_the_place_of_what_was()
    {
        var (remembered, owner) = (With(megabytes: 1), NewOwner());
        for (var stamp = 1; stamp <= 10_000; stamp++)
        {
            remembered.Add(owner, Read(stamp));
            Assert.Equal(stamp, remembered.Find(owner)?.Stamp);
        }
    }

    [Fact]
    public void Each_is_forgotten_after_its_time_however_often_it_is_asked_for()
    {
        var (remembered, owner) = (With(megabytes: 1), NewOwner());
        remembered.Add(owner, Read(1));
        _clock.Advance(OwnerCache.Lifetime - TimeSpan.FromTicks(1));
        Assert.NotNull(remembered.Find(owner));

        _clock.Advance(TimeSpan.FromTicks(1));

        Assert.Null(remembered.Find(owner));
    }

    [Fact]
    public void What_is_read_again_and_is_the_same_is_not_kept_twice_and_lasts_longer()
    {
        var (remembered, owner, first) = (With(megabytes: 1), NewOwner(), Read(1));
        remembered.Add(owner, first);
        _clock.Advance(OwnerCache.Lifetime - TimeSpan.FromTicks(1));
        remembered.Add(owner, Read(1));
        _clock.Advance(OwnerCache.Lifetime - TimeSpan.FromTicks(1));
        Assert.Same(first, remembered.Find(owner));

        // A write outside the service may leave the stamp unchanged, so content counts too.
        foreach (var other in (CachedOwner[])[Read(2), new(2, 1, new byte[Size - 1]), new(2, 1, []), new(2, 2, [])])
        {
            remembered.Add(owner, other);
            Assert.Same(other, remembered.Find(owner));
        }
    }

    [Fact]
    public async Task Its_size_stays_bounded_whoever_comes_at_the_same_time()
    {
        var remembered = With(megabytes: 1);
        var owners = Enumerable.Range(0, 5_000).Select(_ => NewOwner()).ToList();

        await Parallel.ForAsync(0, 8, (worker, _) =>
        {
            var random = new Random(worker);
            for (var count = 0; count < 20_000; count++)
            {
                remembered.Add(owners[random.Next(owners.Count)], new CachedOwner(count, 1, new byte[random.Next(2 * Size)]));
            }

            return ValueTask.CompletedTask;
        });

        var kept = owners.Select(remembered.Find).Sum(one => one?.Packed.Length ?? 0);
        Assert.InRange(kept, 400_000, 1_000_000);
    }

    [Fact]
    public void Nothing_is_remembered_where_there_is_no_memory_for_it()
    {
        var (remembered, owner) = (With(megabytes: 0), NewOwner());
        remembered.Add(owner, Read(1));
        Assert.Null(remembered.Find(owner));
    }

    private OwnerCache With(int megabytes) => new(Options.Create(new ResolutionOptions { MemoryMegabytes = megabytes }), new VersionFloors<SecretOwner>(), _clock);

    private static SecretOwner NewOwner() => SecretOwner.User(Guid.NewGuid());

    private static CachedOwner Read(long stamp) => new(stamp, 1, new byte[Size]);
}
