using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Secrets.Application.Audit;
using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Persistence.Postgres;

namespace Secrets.Infrastructure.Tests.Audit;

/// <summary>Refusals get audit rows within a budget. The counts of the rest survive failed writes while the process runs.</summary>
public sealed class CountingDenials
{
    private readonly FakeTimeProvider _clock = new();

    [Theory]
    [InlineData(0, 60)]
    [InlineData(45, 15)]
    [InlineData(59.5, 1)]
    public void The_wait_is_what_is_left_of_the_minute_and_a_second_at_least(double after, double expected)
    {
        var budget = new DenialBudget(perMinute: 1, capacity: 10, _clock);
        Assert.Null(budget.TakeOrGetWait(Caller(1)));
        _clock.Advance(TimeSpan.FromSeconds(after));

        Assert.Equal(TimeSpan.FromSeconds(expected), budget.TakeOrGetWait(Caller(1)));
    }

    [Fact]
    public void A_minute_renews_the_budget_whether_or_not_anything_is_written()
    {
        var budget = new DenialBudget(perMinute: 1, capacity: 10, _clock);
        Assert.Null(budget.TakeOrGetWait(Caller(1)));
        Assert.NotNull(budget.TakeOrGetWait(Caller(1)));
        Assert.Null(budget.TakeOrGetWait(Caller(1) with { IsAccepted = false }));

        _clock.Advance(TimeSpan.FromMinutes(5));

        Assert.Null(budget.TakeOrGetWait(Caller(1)));
        Assert.Equal(TimeSpan.FromMinutes(1), budget.TakeOrGetWait(Caller(1)));
    }

    [Fact]
    public void Past_the_capacity_new_callers_have_no_limit_and_the_others_keep_theirs()
    {
        var budget = new DenialBudget(perMinute: 1, capacity: 1, _clock);
        Assert.Null(budget.TakeOrGetWait(Caller(1)));
        Assert.Null(budget.TakeOrGetWait(Caller(2)));
        Assert.Null(budget.TakeOrGetWait(Caller(2)));
        Assert.NotNull(budget.TakeOrGetWait(Caller(1)));
    }

    [Fact]
    public void Past_the_capacity_callers_share_a_count()
    {
        var denials = new OmittedDenials(capacity: 1);
        for (var caller = 1; caller <= 3; caller++)
        {
            denials.Add(OmittedDenial.FromDenial(Caller(caller), Denial(caller)), count: 2);
        }

        Assert.Equal([(Caller(1).UserId, 2), ((Guid?)null, 4)], denials.ToList().Select(pair => (pair.Key.UserId, pair.Value)));
        Assert.Equal(Guid.Empty, denials.ToList()[1].Key.ToEvent(4, _clock.GetUtcNow()).Actor);
    }

    [Fact]
    public void Tokens_of_one_subject_are_one_credential_whenever_they_end()
    {
        var denials = new OmittedDenials(capacity: 1);
        for (var at = 0; at < 3; at++)
        {
            var token = Credential.OfToken("issuer", "subject", _clock.GetUtcNow().AddHours(at));
            denials.Add(OmittedDenial.FromDenial(Caller(1), Denial(1) with { By = token }), count: 1);
        }

        var (denial, count) = Assert.Single(denials.ToList());
        Assert.Equal((3, new TokenName("issuer", "subject")), (count, denial.By!.Token));
    }

    [Fact]
    public async Task What_cannot_be_written_is_kept_and_a_failure_ends_the_attempt()
    {
        const int callers = 1_200;
        var audit = new FailingAudit();
        using var log = new DenialLog(audit, _clock, Options.Create(new AuditOptions()), new PostgresFaults(), NullLogger<DenialLog>.Instance);
        for (var caller = 1; caller <= callers; caller++)
        {
            log.LeaveOut(Caller(caller), Denial(caller));
        }

        audit.Failing = 2;
        await log.WriteLeftOutAsync(TestContext.Current.CancellationToken);
        Assert.Equal((2, 500), (audit.Calls, audit.Written.Count));

        log.LeaveOut(Caller(callers), Denial(callers));
        await log.WriteLeftOutAsync(TestContext.Current.CancellationToken);
        Assert.Equal(callers + 1, audit.Written.Sum(row => row.LeftOut));
        Assert.Equal(callers, audit.Written.Select(row => row.Actor).Distinct().Count());
    }

    [Fact]
    public async Task A_stop_waits_no_longer_than_it_may()
    {
        var audit = new FailingAudit();
        using var log = new DenialLog(audit, _clock, Options.Create(new AuditOptions()), new PostgresFaults(), NullLogger<DenialLog>.Instance);
        log.LeaveOut(Caller(1), Denial(1));

        await log.StopAsync(new CancellationToken(canceled: true));

        Assert.Empty(audit.Written);
    }

    private static RefusedCaller Caller(int number) => new(new Guid(number, 0, 0, new byte[8]), IsAccepted: true, NamedUser: null);

    private AuditEvent Denial(int caller) => new()
    {
        At = _clock.GetUtcNow(),
        Actor = Caller(caller).UserId,
        By = Credential.Bootstrap,
        Action = AuditAction.SecretGet,
        Outcome = AuditOutcome.Denied,
    };

    /// <summary>Fails one call.</summary>
    private sealed class FailingAudit : IAuditLog
    {
        public List<AuditEvent> Written { get; } = [];

        public int Calls { get; private set; }

        /// <summary>The number of the call that fails.</summary>
        public int Failing { get; set; }

        public Task<AuditReceipt> AppendAsync(IReadOnlyList<AuditEvent> events, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (++Calls == Failing)
            {
                throw new UnavailableException();
            }

            Written.AddRange(events);
            return Task.FromResult(new AuditReceipt(Guid.Empty, Written.Count, []));
        }

        public Task<AppendOutcome> AppendAsync(IReadOnlyList<AuditEvent> events, Preconditions preconditions, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
