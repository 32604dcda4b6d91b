using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Secrets.EmbeddedPostgres;

/// <summary>Where the server listens: on a socket in a closed directory, or on Windows on a loopback port.</summary>
internal sealed record ServerAddress(SocketDirectory? Sockets, int Port)
{
    public string Host => Sockets?.Path ?? IPAddress.Loopback.ToString();

    public static ServerAddress For(SocketDirectory? sockets) =>
        new(sockets, OperatingSystem.IsWindows() ? FreePort() : NpgsqlConnection.DefaultPort);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
