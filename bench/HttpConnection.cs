using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Secrets.Bench;

/// <summary>
/// A persistent HTTP/1.1 connection with one request at a time. It supports only as much of HTTP as the service's responses need: service and load share
/// the machine, and a full client would dominate the measurement.
/// </summary>
internal sealed class HttpConnection : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _received = new byte[256 * 1024];
    private readonly byte[] _body = new byte[256 * 1024];

    /// <summary>The buffer of the request. Write it before <see cref="SendAsync"/>.</summary>
    public byte[] Request { get; } = new byte[4096];

    /// <summary>Connects to the service on loopback.</summary>
    /// <param name="port">The port of the service.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    /// <param name="from">The local address of loopback; null: any.</param>
    public static async Task<HttpConnection> OpenAsync(int port, CancellationToken cancellationToken, IPAddress? from = null)
    {
        var connection = new HttpConnection();
        try
        {
            if (from is not null) connection._socket.Bind(new IPEndPoint(from, 0));
            await connection._socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Sends <see cref="Request"/> and reads the whole response.</summary>
    public async ValueTask<(int Status, ReadOnlyMemory<byte> Body)> SendAsync(int length, CancellationToken cancellationToken)
    {
        for (var sent = 0; sent < length;)
        {
            sent += await _socket.SendAsync(Request.AsMemory(sent, length - sent), cancellationToken);
        }

        var filled = 0;
        while (true)
        {
            var read = await _socket.ReceiveAsync(_received.AsMemory(filled), cancellationToken);
            if (read == 0) throw new BenchException("The service closed a connection in the middle of a response.");
            filled += read;
            if (Parse(_received.AsSpan(0, filled), _body) is { } answer) return (answer.Status, _body.AsMemory(0, answer.Length));
            if (filled == _received.Length) throw new BenchException("A response is larger than its buffer.");
        }
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>The response; null: it is not complete yet.</summary>
    private static (int Status, int Length)? Parse(ReadOnlySpan<byte> received, Span<byte> body)
    {
        var end = received.IndexOf("\r\n\r\n"u8);
        if (end < 0) return null;
        var head = received[..(end + 2)];
        var rest = received[(end + 4)..];
        if (!head.StartsWith("HTTP/1.1 "u8) || !Utf8Parser.TryParse(head[9..12], out int status, out _))
        {
            throw new BenchException("The response is not HTTP/1.1.");
        }

        if (head.IndexOf("\r\nTransfer-Encoding: chunked\r\n"u8) >= 0)
        {
            return Unchunk(rest, body) is { } length ? (status, length) : null;
        }

        var at = head.IndexOf("\r\nContent-Length: "u8);
        if (at < 0 || !Utf8Parser.TryParse(head[(at + 18)..], out int expected, out _))
        {
            throw new BenchException($"A response has no length: {Encoding.ASCII.GetString(head)}");
        }

        if (rest.Length < expected) return null;
        rest[..expected].CopyTo(body);
        return (status, expected);
    }

    private static int? Unchunk(ReadOnlySpan<byte> rest, Span<byte> body)
    {
        var length = 0;
        while (true)
        {
            var line = rest.IndexOf("\r\n"u8);
            if (line < 0) return null;
            if (!Utf8Parser.TryParse(rest[..line], out int size, out _, 'x')) throw new BenchException("A chunk has no size.");
            rest = rest[(line + 2)..];
            if (rest.Length < size + 2) return null;
            if (size == 0) return length;
            rest[..size].CopyTo(body[length..]);
            length += size;
            rest = rest[(size + 2)..];
        }
    }
}
