using Secrets.Infrastructure.Batching;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Tests.Persistence;

public sealed class SharingConnections
{
    [Fact]
    public void Both_shares_together_are_what_is_allowed_and_each_is_enough()
    {
        for (var allowed = ConnectionShare.Minimum; allowed <= 200; allowed++)
        {
            for (var committers = 1; committers <= GroupCommitOptions.MaxCommitters; committers++)
            {
                var requests = new ConnectionShare(IsForBatches: false, committers).CountFor(allowed);
                var batches = new ConnectionShare(IsForBatches: true, committers).CountFor(allowed);

                Assert.Equal(allowed, requests + batches);
                Assert.InRange(batches, 1, requests);
                Assert.True(requests >= 2, "two at once for all but batches");
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Fewer_than_a_start_takes_are_refused(int allowed) => Assert.Contains(
        $"allows {allowed} connections", Assert.Throws<StartupException>(() => new ConnectionShare(IsForBatches: true, 1).CountFor(allowed)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(100, 1, 9)]
    [InlineData(100, 8, 23)]
    [InlineData(100, 32, 50)]
    [InlineData(10, 1, 5)]
    [InlineData(3, 1, 1)]
    public void Every_worker_has_one_where_there_are_enough(int allowed, int committers, int batches) =>
        Assert.Equal(batches, new ConnectionShare(IsForBatches: true, committers).CountFor(allowed));
}
