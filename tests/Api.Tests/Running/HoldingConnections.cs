using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Running;

/// <summary>Clients that open connections and send nothing, each from its own loopback address.</summary>
public sealed class HoldingConnections
{
    private const string Live = "/health/live";
    private const string Greedy = "127.0.0.2";
    private const string Other = "127.0.0.3";

    [Fact]
    public async Task An_address_cannot_take_all_connections_and_silent_ones_are_closed()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using var service = installation.Start(settings: ("Limits__Connections", "40"));
        var address = await service.AddressAsync();

        var since = Stopwatch.GetTimestamp();
        using var held = await SilentConnections.OpenAsync(address, Greedy, 60);
        await held.MustBeLeftAsync(10);

        Assert.Equal(200, await StatusAsync(address, Other, Live));
        Assert.Null(await StatusAsync(address, Greedy, Live));
        await held.MustBeLeftAsync(0);
        Assert.InRange(Stopwatch.GetElapsedTime(since).TotalSeconds, 10, 30);
        Assert.Equal(200, await StatusAsync(address, Greedy, Live));
    }

    [Fact]
    public async Task The_health_listener_stays_reachable_when_the_service_is_full()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        var health = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort()}"));
        await using var service = installation.Start(settings:
        [
            ("Limits__Connections", "20"),
            ("Limits__ConnectionsPerAddress", "0"),
            ("Health__Url", health.ToString()),
            ("AllowedHosts", "secrets.example;127.0.0.1"),
            ("Https__Redirect", "true"),
        ]);
        var address = await service.AddressAsync();
        await UntilReadyAsync(health);

        using var held = await SilentConnections.OpenAsync(address, Greedy, 30);
        await held.MustBeLeftAsync(20);

        Assert.Null(await StatusAsync(address, Other, Live));
        Assert.Equal(200, await StatusAsync(health, Other, Live));
        Assert.Equal(200, await StatusAsync(health, Other, Live, host: "10.1.2.3:8081"));
        Assert.Equal(200, await StatusAsync(health, Other, "/health/ready"));
        Assert.Equal(404, await StatusAsync(health, Other, "/api/v1/secrets"));
        Assert.Equal(404, await StatusAsync(health, Other, "/openapi/v1.json"));
    }

    [Fact]
    public async Task An_address_cannot_fill_the_health_listener()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        var health = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort()}"));
        await using var service = installation.StartHere(settings: ("Health__Url", health.ToString()));
        await service.AddressAsync();

        using var held = await SilentConnections.OpenAsync(health, Greedy, 110);
        await held.MustBeLeftAsync(25);

        Assert.Equal(200, await StatusAsync(health, Other, Live));
        Assert.Null(await StatusAsync(health, Greedy, Live));
    }

    [Fact]
    public async Task A_known_proxy_may_use_all_connections()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using var service = installation.Start(settings: [("Limits__ConnectionsPerAddress", "3"), ("Proxies__Known", Other)]);
        var address = await service.AddressAsync();

        using var ofClient = await SilentConnections.OpenAsync(address, Greedy, 8);
        using var ofProxy = await SilentConnections.OpenAsync(address, Other, 8);

        await ofClient.MustBeLeftAsync(3);
        await ofProxy.MustBeLeftAsync(8);
        Assert.Equal(200, await StatusAsync(address, Other, Live));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Waits for readiness. A slow server's first connection takes longer than a check may.</summary>
    private static async Task UntilReadyAsync(Uri health)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await StatusAsync(health, Other, "/health/ready") != 200)
        {
            await Task.Delay(100, patience.Token);
        }
    }

    /// <summary>Sends a request from an address. Returns the status, or null if the server closed the connection without an answer.</summary>
    private static async Task<int?> StatusAsync(Uri server, string from, string path, string host = "127.0.0.1")
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var socket = await ConnectAsync(server, from);
        try
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"), patience.Token);
            var head = new byte[12];
            await using var stream = new NetworkStream(socket);
            return await stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, patience.Token) == head.Length
                ? int.Parse(Encoding.ASCII.GetString(head).Split(' ')[1], CultureInfo.InvariantCulture)
                : null;
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            return null;
        }
    }

    private static async Task<Socket> ConnectAsync(Uri server, string from)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, server.Port));
        return socket;
    }

    /// <summary>Open connections that send nothing.</summary>
    private sealed class SilentConnections : IDisposable
    {
        private readonly List<Socket> _sockets = [];

        public static async Task<SilentConnections> OpenAsync(Uri server, string from, int count)
        {
            var held = new SilentConnections();
            for (var at = 0; at < count; at++)
            {
                held._sockets.Add(await ConnectAsync(server, from));
            }

            return held;
        }

        /// <summary>Waits until exactly <paramref name="count"/> connections are open.</summary>
        public async Task MustBeLeftAsync(int count)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(40));
            while (_sockets.Count(IsOpen) > count)
            {
                await Task.Delay(100, patience.Token);
            }

            Assert.Equal(count, _sockets.Count(IsOpen));
        }

        public void Dispose() => _sockets.ForEach(socket => socket.Dispose());

        // The server sends nothing on them, so a readable socket has reached its end.
        private static bool IsOpen(Socket socket) => !socket.Poll(TimeSpan.Zero, SelectMode.SelectRead);
    }
}
