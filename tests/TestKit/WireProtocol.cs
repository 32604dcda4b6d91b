using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Data.SqlClient;
using Npgsql;

namespace Secrets.TestKit;

/// <summary>What <see cref="CuttingProxy"/> needs of a database protocol: how to redirect a connection, and where a message ends.</summary>
public interface IWireProtocol
{
    /// <summary>The host and port of the database.</summary>
    EndPoint AddressIn(string connectionString);

    /// <summary>The connection string through a port of loopback, with as little encryption as the database allows: encrypted bytes hide the messages.</summary>
    string Through(string connectionString, int port);

    /// <summary>Reads one message.</summary>
    /// <param name="from">The stream of the sender.</param>
    /// <param name="opens">Whether it is the first message of a connection.</param>
    /// <exception cref="EndOfStreamException">The connection has ended.</exception>
    Task<byte[]> ReadAsync(Stream from, bool opens);
}

/// <summary>PostgreSQL: a letter and a length; the first message has no letter.</summary>
public sealed class PostgresProtocol : IWireProtocol
{
    private const int LengthSize = 4;

    public EndPoint AddressIn(string connectionString)
    {
        var direct = new NpgsqlConnectionStringBuilder(connectionString);
        return Path.IsPathRooted(direct.Host)
            ? new UnixDomainSocketEndPoint(Path.Combine(direct.Host, $".s.PGSQL.{direct.Port}"))
            : new DnsEndPoint(direct.Host!, direct.Port);
    }

    public string Through(string connectionString, int port) => new NpgsqlConnectionStringBuilder(connectionString)
    {
        Host = IPAddress.Loopback.ToString(),
        Port = port,
        SslMode = SslMode.Disable,
        GssEncryptionMode = GssEncryptionMode.Disable,
    }.ConnectionString;

    public Task<byte[]> ReadAsync(Stream from, bool opens)
    {
        var header = (opens ? 0 : 1) + LengthSize;
        return Framed.ReadAsync(from, header, head => header - LengthSize + BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(header - LengthSize)));
    }
}

/// <summary>
/// SQL Server (MS-TDS): a packet has a type, a status, a length and four more bytes. The status marks the last packet of a message. At least the log in
/// is encrypted, if the server wants that. The TLS handshake runs inside packets; later TLS records do not. Each record counts as a message.
/// </summary>
/// <param name="encrypts">Whether the whole connection is encrypted: then a message is a TLS record. Otherwise only the login is.</param>
public sealed class TdsProtocol(bool encrypts = false) : IWireProtocol
{
    private const int DefaultPort = 1433;
    private const int PacketHeader = 8;
    private const byte EndOfMessage = 1;
    private const int RecordHeader = 5;

    public EndPoint AddressIn(string connectionString)
    {
        var source = new SqlConnectionStringBuilder(connectionString).DataSource;
        var parts = source[(source.StartsWith("tcp:", StringComparison.OrdinalIgnoreCase) ? 4 : 0)..].Split(',');
        if (parts.Length == 1 && parts[0].Contains('\\', StringComparison.Ordinal))
        {
            throw new NotSupportedException($"Give {SqlServerInstance.Override} a port (Server=tcp:host,port): a proxy does not work with a named instance.");
        }

        var host = parts[0].Split('\\')[0].Trim();
        return new DnsEndPoint(
            host is "." or "(local)" ? "localhost" : host, parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : DefaultPort);
    }

    public string Through(string connectionString, int port) => new SqlConnectionStringBuilder(connectionString)
    {
        DataSource = string.Create(CultureInfo.InvariantCulture, $"tcp:{IPAddress.Loopback},{port}"),
        Encrypt = encrypts ? SqlConnectionEncryptOption.Mandatory : SqlConnectionEncryptOption.Optional,
        TrustServerCertificate = true, // The certificate names the server and not the proxy.
    }.ConnectionString;

    public async Task<byte[]> ReadAsync(Stream from, bool opens)
    {
        using var message = new MemoryStream();
        byte[] packet;
        do
        {
            packet = await ReadPacketAsync(from);
            message.Write(packet);
        }
        while (!IsTls(packet[0]) && (packet[1] & EndOfMessage) == 0);
        return message.ToArray();
    }

    private static Task<byte[]> ReadPacketAsync(Stream from) => Framed.ReadAsync(
        from,
        RecordHeader, // The shorter header; both contain the length.
        head => IsTls(head[0])
            ? RecordHeader + BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(3))
            : Math.Max(PacketHeader, (int)BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(2))));

    // 20 to 23 are types of TLS records. No packet has such a type.
    private static bool IsTls(byte first) => first is >= 20 and <= 23;
}

/// <summary>Reads a unit whose header contains its length.</summary>
internal static class Framed
{
    public static async Task<byte[]> ReadAsync(Stream from, int header, Func<byte[], int> length)
    {
        var head = new byte[header];
        await from.ReadExactlyAsync(head);
        var message = new byte[length(head)];
        head.CopyTo(message, 0);
        await from.ReadExactlyAsync(message.AsMemory(header));
        return message;
    }
}
