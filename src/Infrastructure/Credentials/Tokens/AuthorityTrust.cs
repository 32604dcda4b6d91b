using Microsoft.Extensions.Hosting;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>
/// Trust in the published keys of an authority. Keys are fetched at start, when they are old, and when a token names an unknown key, but not more often
/// than Auth:Jwt:RefreshSeconds: anybody can invent key ids. One fetch runs at a time. The last keys stay in use until a fetch succeeds.
/// </summary>
internal sealed partial class AuthorityTrust(
    AuthorityClient client, IOptions<JwtOptions> options, TimeProvider time, ILogger<AuthorityTrust> logger) : BackgroundService, ITrustSource
{
    /// <summary>Time to the next attempt after a failure.</summary>
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private volatile Trust? _current;
    private Task _fetch = Task.CompletedTask;
    private long? _lastAttempt;

    public Trust? Current => _current;

    public async Task<Trust> GetAsync(string? keyId, CancellationToken cancellationToken)
    {
        if (_current is not { } known)
        {
            await FetchAsync(Retry).WaitAsync(cancellationToken);
        }
        else if (!known.Knows(keyId))
        {
            await FetchAsync(TimeSpan.FromSeconds(options.Value.RefreshSeconds)).WaitAsync(cancellationToken);
        }

        return _current ?? throw new UnavailableException();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (options.Value.HasAuthority)
        {
            var before = _current;
            await FetchAsync(TimeSpan.Zero).WaitAsync(stoppingToken);
            var lifetime = TimeSpan.FromSeconds(options.Value.KeyLifetimeSeconds);
            await Task.Delay(ReferenceEquals(_current, before) && Retry < lifetime ? Retry : lifetime, time, stoppingToken);
        }
    }

    /// <summary>Joins a running fetch, or starts one unless the last started within this interval.</summary>
    private Task FetchAsync(TimeSpan interval)
    {
        lock (_lock)
        {
            if (_fetch.IsCompleted && (_lastAttempt is not { } last || time.GetElapsedTime(last) >= interval))
            {
                _lastAttempt = time.GetTimestamp();
                _fetch = ReplaceAsync();
            }

            return _fetch;
        }
    }

    private async Task ReplaceAsync()
    {
        // Leaves the caller's lock.
        await Task.Yield();
        try
        {
            var fetched = await client.FetchAsync();
            _current = fetched;
            Fetched(fetched.Keys.Count);
        }
        catch (Exception problem)
        {
            // Any exception: no answer of an authority may end the service.
            var why = problem is AuthorityException ? problem.Message : problem.GetType().Name;
            if (_current is null)
            {
                NothingYet(why);
            }
            else
            {
                Stale(why);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Fetched {Count} usable keys of the authority in Auth:Jwt:Authority")]
    private partial void Fetched(int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The keys of the authority in Auth:Jwt:Authority could not be fetched. Until they are, every JWT is answered with 503: {Why}")]
    private partial void NothingYet(string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The keys of the authority in Auth:Jwt:Authority could not be refreshed. The last keys stay in use: {Why}")]
    private partial void Stale(string why);
}
