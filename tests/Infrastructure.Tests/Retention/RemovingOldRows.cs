using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Secrets.Infrastructure.Audit;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Retention;

/// <summary>Audit retention with a clock that the test moves. The test has a server of its own, so that no other test's rows are old.</summary>
public sealed class RemovingOldRows : IAsyncLifetime
{
    private const int Days = 30;

    private readonly ApiServer _server = new();
    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow().AddDays(Days + 1));
    private readonly CapturedLog _log = new();

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Happens_at_the_start_and_every_hour_whatever_became_of_the_hour_before()
    {
        await WriteAsync();
        var scopes = new CountedScopes(_server.Services.GetRequiredService<IServiceScopeFactory>());
        using var retention = Retention(scopes, Days);
        await retention.StartAsync(TestContext.Current.CancellationToken);
        await UntilAsync(async () => await CountAsync() == 0);

        await WriteAsync();
        _clock.Advance(TimeSpan.FromMinutes(59));
        await Task.Delay(TimeSpan.FromMilliseconds(200), TestContext.Current.CancellationToken);
        Assert.Equal(1, scopes.Made);
        _clock.Advance(TimeSpan.FromMinutes(1));
        await UntilAsync(async () => await CountAsync() == 0);

        await WriteAsync();
        scopes.IsBroken = true;
        _clock.Advance(TimeSpan.FromHours(1));
        await UntilAsync(() => Task.FromResult(_log.Lines.Any(line => line.Contains("could not be removed", StringComparison.Ordinal))));
        Assert.NotEqual(0, await CountAsync());

        scopes.IsBroken = false;
        _clock.Advance(TimeSpan.FromHours(1));
        await UntilAsync(async () => await CountAsync() == 0);
        Assert.Equal(4, scopes.Made);
    }

    [Fact]
    public async Task Never_happens_where_no_time_is_set()
    {
        var scopes = new CountedScopes(_server.Services.GetRequiredService<IServiceScopeFactory>());
        using var retention = Retention(scopes, days: null);
        await retention.StartAsync(TestContext.Current.CancellationToken);
        await retention.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        Assert.Equal(0, scopes.Made);
    }

    private AuditRetention Retention(IServiceScopeFactory scopes, int? days) => ActivatorUtilities.CreateInstance<AuditRetention>(
        _server.Services, scopes, _clock, Options.Create(new AuditOptions { RetentionDays = days }), new Logger<AuditRetention>(new LoggerFactory([_log])));

    private async Task WriteAsync()
    {
        using var user = await _server.NewUserAsync();
        await user.CreateSecretAsync("n");
    }

    // Without the rows that retention itself writes to keep the versions of accounts.
    private Task<long> CountAsync() => _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit WHERE action <> 52");

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await holds())
        {
            await Task.Delay(20, limit.Token);
        }
    }

    /// <summary>Counts scopes: each run of retention creates one.</summary>
    private sealed class CountedScopes(IServiceScopeFactory real) : IServiceScopeFactory
    {
        private int _made;

        public int Made => Volatile.Read(ref _made);

        public bool IsBroken { get; set; }

        public IServiceScope CreateScope()
        {
            Interlocked.Increment(ref _made);
            return IsBroken ? throw new InvalidOperationException("No database.") : real.CreateScope();
        }
    }
}
