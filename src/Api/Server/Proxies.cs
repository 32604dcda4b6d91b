using System.Net;
using Microsoft.AspNetCore.Builder.Extensions;
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

    /// <summary>The path below which clients reach the service, such as <c>/vault</c>, if the proxy leaves it in the path; null: none.</summary>
    public string? PathBase { get; set; }

    // The first segments of the service's own paths.
    private static readonly string[] OwnSegments = ["api", "v1", "v2", "aihub", "health", "openapi", "swagger"];

    /// <summary>Whether <see cref="PathBase"/> is absent, or a plain path without a slash at its end, whose first segment no path of the service has.</summary>
    public bool HasUsablePathBase() => string.IsNullOrEmpty(PathBase) || (PathBase[0] == '/' && PathBase.Length > 1
        && !OwnSegments.Contains(PathBase.Split('/')[1], StringComparer.OrdinalIgnoreCase)
        && PathBase.Split('/')[1..].All(segment => segment.Length > 0 && segment.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.')));

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

/// <summary>Takes the client's address, scheme and path prefix from the headers of known proxies.</summary>
internal static class Proxies
{
    /// <summary>Removes the path base from paths that begin with it. The documents and the page name only relative addresses, so they need nothing more.</summary>
    public static void UsePathBaseAsConfigured(this WebApplication app)
    {
        if (app.Services.GetRequiredService<IOptions<ProxyOptions>>().Value.PathBase is { Length: > 0 } path)
        {
            // Not UsePathBase, which would route at once, before everything below.
            app.UseMiddleware<UsePathBaseMiddleware>(new PathString(path));
        }
    }

    public static void AddProxies(this IServiceCollection services)
    {
        services.AddSettings<ProxyOptions>(ProxyOptions.Section)
            .Validate(
                proxies => proxies.Networks() is not null,
                "Proxies:Known must be addresses or networks like 10.0.0.0/8 (not all addresses), separated by commas.")
            .Validate(
                proxies => proxies.HasUsablePathBase(),
                "Proxies:PathBase must be a path like /vault, of letters, digits, '-', '_' and '.', without a '/' at its end, and not begin like a path of the service.");
        services.AddOptions<ForwardedHeadersOptions>().Configure<IOptions<ProxyOptions>>((forwarded, proxies) =>
        {
            var networks = proxies.Value.Networks()!;

            // With empty lists, the framework would trust every client.
            forwarded.ForwardedHeaders = networks.Count == 0 ? ForwardedHeaders.None : ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            if (networks.Count > 0 && string.IsNullOrEmpty(proxies.Value.PathBase))
            {
                // With both, the prefix would count twice.
                forwarded.ForwardedHeaders |= ForwardedHeaders.XForwardedPrefix;
            }

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
