using System.Net;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Connections;
using Secrets.Api.Health;
using Secrets.Api.Limits;
using IPNetwork = System.Net.IPNetwork;

namespace Secrets.Api.Server;

/// <summary>Records that the first request of a connection has arrived.</summary>
internal sealed class FirstRequest
{
    public bool HasBegun { get; private set; }

    public void Begin() => HasBegun = true;
}

/// <summary>
/// Limits connections, in total and by address, and the time until the first request. Kestrel's own limit includes the health
/// listener, and its keep-alive timeout also applies to a connection that has not sent anything yet.
/// </summary>
internal sealed class ConnectionLimit : IDisposable
{
    /// <summary>Limit of the health listener: only probes use it.</summary>
    private const int HealthConnections = 100;

    /// <summary>Time for a TLS handshake and the headers of a request.</summary>
    private static readonly TimeSpan FirstRequestTime = TimeSpan.FromSeconds(15);

    private readonly RateLimiter? _all;
    private readonly RateLimiter _ofHealth = Counting(HealthConnections);
    private readonly PartitionedRateLimiter<Network>? _ofAddress;
    private readonly PartitionedRateLimiter<Network> _ofAddressToHealth = CountingByAddress(LimitOptions.ShareOf(HealthConnections));
    private readonly IReadOnlyList<IPNetwork> _proxies;
    private readonly HealthListener _health;
    private readonly TimeProvider _time;

    public ConnectionLimit(IOptions<LimitOptions> limits, IOptions<ProxyOptions> proxies, HealthListener health, TimeProvider time)
    {
        (_proxies, _health, _time) = (proxies.Value.Networks()!, health, time);
        if (limits.Value.Connections is > 0 and var all)
        {
            _all = Counting(all);
        }

        if (limits.Value.MaxConnectionsOfAddress is > 0 and var ofAddress)
        {
            _ofAddress = CountingByAddress(ofAddress);
        }
    }

    /// <summary>Serves a connection, or closes it past a limit.</summary>
    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var isHealth = _health.Has(connection.LocalEndPoint);
        using var ofAddress = TakeOfAddress(isHealth ? _ofAddressToHealth : _ofAddress, (connection.RemoteEndPoint as IPEndPoint)?.Address);
        if (ofAddress is { IsAcquired: false })
        {
            return;
        }

        using var any = isHealth ? _ofHealth.AttemptAcquire() : _all?.AttemptAcquire();
        if (any is { IsAcquired: false })
        {
            return;
        }

        var first = new FirstRequest();
        connection.Features.Set(first);
        await using var timer = _time.CreateTimer(
            _ =>
            {
                if (!first.HasBegun)
                {
                    connection.Abort();
                }
            },
            state: null,
            FirstRequestTime,
            Timeout.InfiniteTimeSpan);
        await next(connection);
    }

    public void Dispose()
    {
        _all?.Dispose();
        _ofHealth.Dispose();
        _ofAddress?.Dispose();
        _ofAddressToHealth.Dispose();
    }

    private static ConcurrencyLimiter Counting(int connections) => new(new ConcurrencyLimiterOptions { PermitLimit = connections });

    // By the address itself and not by a hash, so that no two addresses share a limit. Only addresses with open connections use memory.
    private static PartitionedRateLimiter<Network> CountingByAddress(int connections) => PartitionedRateLimiter.Create<Network, Network>(
        network => RateLimitPartition.GetConcurrencyLimiter(network, _ => new ConcurrencyLimiterOptions { PermitLimit = connections }));

    // A known proxy carries the connections of many clients, and limits each of them itself.
    private RateLimitLease? TakeOfAddress(PartitionedRateLimiter<Network>? limiter, IPAddress? address) =>
        address is null || IsProxy(address) ? null : limiter?.AttemptAcquire(Network.FromAddress(address));

    private bool IsProxy(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return _proxies.Any(network => network.Contains(plain));
    }
}
