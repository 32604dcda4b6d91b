using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Secrets.TestKit;

/// <summary>A response on a raw connection.</summary>
/// <param name="Status">The status; 0 if the server closed the connection without a response.</param>
/// <param name="Head">The status line and the headers.</param>
/// <param name="Body">The body, with joined chunks.</param>
public sealed record RawAnswer(int Status, string Head, string Body);

/// <summary>Sends bytes that no HTTP client would send, on a new connection.</summary>
public static class RawHttp
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Sends bytes and reads until the server closes the connection, so the request should ask for that. The server may stop reading at any point.
    /// </summary>
    public static Task<RawAnswer> SendAsync(Uri address, params ReadOnlyMemory<byte>[] parts) => SendAsync(address, TimeSpan.Zero, parts);

    /// <summary>The same, with a pause after each part, so that the server reads the parts one by one.</summary>
    public static async Task<RawAnswer> SendAsync(Uri address, TimeSpan pause, params ReadOnlyMemory<byte>[] parts)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port, patience.Token);
        await using var stream = client.GetStream();
        var sending = SendPartsAsync(stream, pause, parts, patience.Token);
        var bytes = await ReadToEndAsync(stream, patience.Token);
        await sending;
        return Parse(bytes);
    }

    private static async Task SendPartsAsync(NetworkStream stream, TimeSpan pause, ReadOnlyMemory<byte>[] parts, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var part in parts)
            {
                await stream.WriteAsync(part, cancellationToken);
                await Task.Delay(pause, cancellationToken);
            }
        }
        catch (IOException)
        {
            // The server stopped reading. The other task reads its response.
        }
    }

    private static async Task<byte[]> ReadToEndAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        using var all = new MemoryStream();
        try
        {
            await stream.CopyToAsync(all, cancellationToken);
        }
        catch (IOException)
        {
            // The server closed the connection before it read everything.
        }

        return all.ToArray();
    }

    private static RawAnswer Parse(byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0)
        {
            return new RawAnswer(0, text, "");
        }

        var (head, body) = (text[..end], text[(end + 4)..]);
        var isChunked = head.Contains("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase);
        return new RawAnswer(int.Parse(head.Split(' ')[1], CultureInfo.InvariantCulture), head, isChunked ? Join(body) : body);
    }

    /// <summary>Chunked responses here are ASCII, so a character is a byte.</summary>
    private static string Join(string chunks)
    {
        var body = new StringBuilder();
        while (chunks.IndexOf("\r\n", StringComparison.Ordinal) is > 0 and var end)
        {
            var size = int.Parse(chunks[..end], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (size == 0)
            {
                break;
            }

            body.Append(chunks, end + 2, size);
            chunks = chunks[(end + 2 + size + 2)..];
        }

        return body.ToString();
    }
}
