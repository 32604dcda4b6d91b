using Secrets.Domain.Secrets;

namespace Secrets.Domain.Tests;

public sealed class RentingClearedMemory
{
    [Theory]
    [InlineData(-1, 4096)]
    [InlineData(0, 4096)]
    [InlineData(1, 256)]
    [InlineData(257, 512)]
    [InlineData(4096, 4096)]
    [InlineData(4097, 8192)]
    [InlineData(1_048_576, 1_048_576)]
    [InlineData(1_048_577, 1_048_577)]
    public void The_memory_has_the_requested_length(int asked, int given)
    {
        using var rented = ClearingPool.Shared.Rent(asked);
        Assert.Equal(given, rented.Memory.Length);
    }

    [Theory]
    [InlineData(700_000)] // no other test rents this size, so the memory is not rented again before the check
    [InlineData(2_000_000)]
    public void Returned_memory_is_cleared(int size)
    {
        var rented = ClearingPool.Shared.Rent(size);
        rented.Memory.Span.Fill(1);
        var before = rented.Memory.Span;
        rented.Dispose();
        Assert.Equal(-1, before.IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void Memory_returned_twice_is_rented_once()
    {
        var first = ClearingPool.Shared.Rent(100_000);
        first.Dispose();
        first.Dispose();

        using var one = ClearingPool.Shared.Rent(100_000);
        using var other = ClearingPool.Shared.Rent(100_000);
        one.Memory.Span[0] = 1;
        other.Memory.Span[0] = 2;
        Assert.Equal(1, one.Memory.Span[0]);
        Assert.Throws<ObjectDisposedException>(() => first.Memory);
    }
}
