using Secrets.Infrastructure.Batching;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Tests.Persistence;

public sealed class SharingConnections
{
    [Fact]
    public void Both_shares_together_are_what_is_allowed_and_neither_is_empty()
    {
        for (var allowed = 1; allowed <= 200; allowed++)
        {
            for (var committers = 1; committers <= GroupCommitOptions.MaxCommitters; committers++)
            {
                var requests = new ConnectionShare(OfBatches: false, committers).Of(allowed);
                var batches = new ConnectionShare(OfBatches: true, committers).Of(allowed);

                Assert.Equal(Math.Max(2, allowed), requests + batches);
                Assert.InRange(batches, 1, requests);
            }
        }
    }

    [Theory]
    [InlineData(100, 1, 8)]
    [InlineData(100, 8, 22)]
    [InlineData(100, 32, 50)]
    [InlineData(10, 1, 5)]
    [InlineData(3, 1, 1)]
    public void Every_worker_has_one_where_there_are_enough(int allowed, int committers, int batches) =>
        Assert.Equal(batches, new ConnectionShare(OfBatches: true, committers).Of(allowed));
}
