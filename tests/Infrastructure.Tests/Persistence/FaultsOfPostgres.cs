using Npgsql;
using Secrets.Application.Common;
using Secrets.Infrastructure.Persistence;
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
    [InlineData("57P05", true)] // idle_session_timeout
    [InlineData("25P03", true)] // idle_in_transaction_session_timeout
    [InlineData("25P04", true)] // transaction_timeout
    [InlineData("57P01", true)] // somebody ended the session
    [InlineData("40P01", true)] // deadlock
    [InlineData("53300", true)] // too many connections
    [InlineData("23505", false)]
    [InlineData("42P01", false)]
    [InlineData("22012", false)]
    public void What_passes_is_no_fault_of_the_service(string state, bool expected) =>
        Assert.Equal(expected, new PostgresFaults().IsUnavailable(new PostgresException("a message", "FATAL", "FATAL", state)));

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

    [Fact]
    public void A_fault_that_passes_becomes_a_failure_with_its_cause_and_code()
    {
        var lost = new InvalidOperationException("around it", new PostgresException("a message", "FATAL", "FATAL", PostgresErrorCodes.AdminShutdown));

        Assert.True(new PostgresFaults().IsUnavailable(lost, CancellationToken.None));
        var failure = new PostgresFaults().ToUnavailable(lost);
        Assert.Same(lost, failure.Cause);
        Assert.Equal("57P01", failure.Code);
    }

    [Fact]
    public void A_failure_and_a_cancelled_call_stay_as_they_are()
    {
        var given = new CancellationToken(canceled: true);
        var cancelled = new OperationCanceledException("cancelled", new PostgresException("a message", "ERROR", "ERROR", PostgresErrorCodes.QueryCanceled));

        Assert.False(new PostgresFaults().IsUnavailable(cancelled, given));
        Assert.True(new PostgresFaults().IsUnavailable(cancelled, CancellationToken.None));
        Assert.False(new PostgresFaults().IsUnavailable(new UnavailableException(), CancellationToken.None));
        Assert.False(new PostgresFaults().IsUnavailable(new PostgresException("a message", "ERROR", "ERROR", PostgresErrorCodes.UniqueViolation), CancellationToken.None));
    }
}
