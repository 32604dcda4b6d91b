using Secrets.Infrastructure.Persistence.Postgres;

namespace Secrets.Infrastructure.Tests.Persistence;

public sealed class FaultsOfPostgres
{
    [Theory]
    [InlineData("Npgsql", true)]
    [InlineData("Secrets.Infrastructure", false)]
    [InlineData(null, false)]
    public void Only_the_driver_may_stumble(string? source, bool expected)
    {
        var stumble = new NullReferenceException { Source = source };

        Assert.Equal(expected, new PostgresFaults().IsUnavailable(stumble));
        Assert.Equal(expected, new PostgresFaults().IsUnavailable(new InvalidOperationException("around it", stumble)));
    }
}
