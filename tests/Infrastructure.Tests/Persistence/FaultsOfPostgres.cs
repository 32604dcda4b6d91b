using Npgsql;
using Secrets.Infrastructure.Persistence.Postgres;

namespace Secrets.Infrastructure.Tests.Persistence;

public sealed class FaultsOfPostgres
{
    [Fact]
    public void An_error_has_a_state_for_the_log()
    {
        var refused = new PostgresException("no space", "ERROR", "ERROR", PostgresErrorCodes.DiskFull);
        Assert.Equal("53100", new PostgresFaults().CodeOf(new InvalidOperationException("around it", refused)));
        Assert.Null(new PostgresFaults().CodeOf(new NpgsqlException("lost", new IOException())));
    }

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
