using Secrets.Domain.Secrets;

namespace Secrets.Domain.Tests;

public sealed class RentingClearedMemory
{
    [Theory]
    [InlineData(-1, 4096)]
    [InlineData(0, 4096)]
    [InlineData(1, 4096)]
    [InlineData(4096, 4096)]
    [InlineData(4097, 8192)]
    [InlineData(1_048_576, 1_048_576)]
    [InlineData(1_048_577, 1_048_577)]
    public void There_is_as_much_as_was_asked_for(int asked, int given)
    {
        using var rented = ClearingPool.Shared.Rent(asked);
        Assert.Equal(given, rented.Memory.Length);
    }

    [Theory]
    [InlineData(700_000)] // No other test rents that much, or the memory could be theirs by then.
    [InlineData(2_000_000)]
    public void It_is_cleared_when_it_is_given_back(int size)
    {
        var rented = ClearingPool.Shared.Rent(size);
        rented.Memory.Span.Fill(1);
        var before = rented.Memory.Span;
        rented.Dispose();
        Assert.Equal(-1, before.IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void Whoever_gives_it_back_twice_does_not_give_it_to_two()
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
