using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using Secrets.Infrastructure.Foundation;
using IPNetwork = System.Net.IPNetwork;

namespace Secrets.Api.Server;

/// <summary>The proxies whose forwarding headers are trusted.</summary>
internal sealed class ProxyOptions
{
    public const string Section = "Proxies";

    /// <summary>Addresses and networks (<c>10.0.0.0/8</c>), separated by commas; none by default.</summary>
    public string? Known { get; set; }

    /// <summary>The networks; null: an entry is invalid or covers all addresses.</summary>
    public IReadOnlyList<IPNetwork>? Networks()
    {
        var networks = Settings.Split(Known).Select(Parse).ToList();
        return networks.TrueForAll(network => network is { PrefixLength: > 0 }) ? networks.ConvertAll(network => network!.Value) : null;
    }

    private static IPNetwork? Parse(string text) =>
        IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
        : IPNetwork.TryParse(text, out var network) ? network
        : null;
}

/// <summary>Takes the client's address and scheme from the headers of known proxies.</summary>
internal static class Proxies
{
    public static void AddProxies(this IServiceCollection services)
    {
        services.AddSettings<ProxyOptions>(ProxyOptions.Section)
            .Validate(
                proxies => proxies.Networks() is not null,
                "Proxies:Known must be addresses or networks like 10.0.0.0/8 (not all addresses), separated by commas.");
        services.AddOptions<ForwardedHeadersOptions>().Configure<IOptions<ProxyOptions>>((forwarded, proxies) =>
        {
            var networks = proxies.Value.Networks()!;

            // With empty lists, the framework would trust every client.
            forwarded.ForwardedHeaders = networks.Count == 0 ? ForwardedHeaders.None : ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            forwarded.KnownProxies.Clear();
            forwarded.KnownIPNetworks.Clear();
            foreach (var network in networks)
            {
                forwarded.KnownIPNetworks.Add(network);
            }

            // Read entries from the right while their writer is a known proxy. A stranger may have forged everything left of its own entry.
            forwarded.ForwardLimit = null;
        });
    }
}
