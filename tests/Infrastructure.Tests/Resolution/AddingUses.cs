using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Resolution;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Resolution;

/// <summary>Several replicas store their use counts concurrently.</summary>
public sealed class AddingUses(ApiServer server) : IClassFixture<ApiServer>
{
    private const int Seed = 20_261_122;
    private const int Replicas = 4;

    [Fact]
    public async Task In_whatever_order_they_come_the_sums_are_exact_and_nobody_locks_another_out()
    {
        using var user = await server.NewUserAsync();
        var ids = new List<Guid>();
        for (var number = 0; number < 60; number++)
        {
            ids.Add(await user.CreateSecretAsync($"secret {number}"));
        }

        var never = Guid.NewGuid();
        var start = new DateTimeOffset(2026, 11, 22, 0, 0, 0, TimeSpan.Zero);
        var batches = Enumerable.Range(0, Replicas).Select(replica => Batches(new Random(Seed + replica), [.. ids, never], start)).ToList();

        // A deadlock would fail one of them after a second.
        await Task.WhenAll(batches.Select(StoreAsync));

        var expected = batches.SelectMany(batch => batch).SelectMany(uses => uses).Where(uses => uses.SecretId != never).GroupBy(uses => uses.SecretId)
            .ToDictionary(uses => uses.Key, uses => (uses.Sum(one => one.Count), uses.Max(one => one.LastAt)));
        await using var db = await server.NewContextAsync();
        var stored = await db.Set<SecretUse>().AsNoTracking().Where(uses => ids.Contains(uses.SecretId)).ToListAsync(TestContext.Current.CancellationToken);
        Assert.Equal(expected.OrderBy(uses => uses.Key), stored.ToDictionary(uses => uses.SecretId, uses => (uses.Count, uses.LastAt)).OrderBy(uses => uses.Key));
    }

    [Fact]
    public async Task A_secret_that_has_a_count_is_not_written_to()
    {
        using var user = await server.NewUserAsync();
        var batch = new[] { new SecretUses(await user.CreateSecretAsync("read only"), 1, DateTimeOffset.UtcNow) };
        await StoreAsync([batch]);

        // The last transaction that locked the row: a lock writes to the row's page.
        var before = await LastLockedByAsync();
        Assert.NotEqual("0", before);
        await StoreAsync([batch, batch]);

        Assert.Equal(before, await LastLockedByAsync());

        async Task<string> LastLockedByAsync()
        {
            await using var db = await server.NewContextAsync();
            return await db.Database.SqlQuery<string>($"SELECT xmax::text AS \"Value\" FROM secrets WHERE id = {batch[0].SecretId}")
                .SingleAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Otherwise the count would be lost, and the exception would stop the service.</summary>
    [Fact]
    public async Task A_count_whose_write_the_driver_cancels_is_stored_by_the_next_write()
    {
        var store = new FailingOnce(new TaskCanceledException());
        using var counter = new UseCounter(
            server.Services.GetRequiredService<IDbContextFactory<SecretsDbContext>>(), store, TimeProvider.System, NullLogger<UseCounter>.Instance);
        var id = Guid.NewGuid();
        counter.Count([new AuditEntry(Guid.NewGuid(), 1, AuditEvent.ByService(AuditAction.SecretResolve, DateTimeOffset.UnixEpoch) with { SecretId = id })]);

        await counter.StoreAsync(CancellationToken.None);
        await counter.StoreAsync(CancellationToken.None);

        Assert.Equal([new SecretUses(id, 1, DateTimeOffset.UnixEpoch)], store.Stored);
    }

    /// <summary>The first batches have secrets without a stored count, later ones do not.</summary>
    private static List<SecretUses[]> Batches(Random random, Guid[] ids, DateTimeOffset start)
    {
        var batches = new List<SecretUses[]>();
        for (var number = 1; number <= 40; number++)
        {
            random.Shuffle(ids);
            batches.Add([.. ids.Take(15).Select(id => new SecretUses(id, random.Next(1, 5), start.AddSeconds(random.Next(1_000))))]);
        }

        return batches;
    }

    private async Task StoreAsync(List<SecretUses[]> batches)
    {
        var store = server.Services.GetRequiredService<IUseStore>();
        await using var db = await server.NewContextAsync();
        foreach (var batch in batches)
        {
            await store.AddAsync(db, batch, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Fails the first write.</summary>
    private sealed class FailingOnce(Exception failure) : IUseStore
    {
        private bool _hasFailed;

        public List<SecretUses> Stored { get; } = [];

        public Task AddAsync(SecretsDbContext db, IReadOnlyList<SecretUses> uses, CancellationToken cancellationToken)
        {
            if (!_hasFailed)
            {
                _hasFailed = true;
                return Task.FromException(failure);
            }

            Stored.AddRange(uses);
            return Task.CompletedTask;
        }
    }
}
