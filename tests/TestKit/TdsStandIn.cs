using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Secrets.TestKit;

/// <summary>What a server encrypts, with the numbers of the protocol.</summary>
public enum TdsEncryption : byte
{
    OfLogin = 0,
    Always = 1,
    Never = 2,
}

/// <summary>
/// Simulates as much of SQL Server's protocol (MS-TDS) as the driver needs to connect, query, fail, wait and cancel. It understands no SQL: a word in
/// the query selects the response.
/// </summary>
public sealed class TdsStandIn : IAsyncDisposable
{
    /// <summary>A query with this word fails with the error number that follows: <c>fail 1205</c>.</summary>
    public const string Fail = "fail ";

    /// <summary>A query with this text waits until it is cancelled. The text has a blank, because the base64 of a hash can contain any short word.</summary>
    public const string Hang = "hang on";

    private const int HeaderSize = 8;
    private const byte Batch = 1;
    private const byte Rpc = 3;
    private const byte Answer = 4;
    private const byte Attention = 6;
    private const byte TransactionManager = 14;
    private const byte Login = 16;
    private const byte Prelogin = 18;

    private readonly X509Certificate2? _certificate;
    private readonly TdsEncryption _encryption;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<TcpClient> _clients = [];
    private readonly Task _accepting;

    /// <summary>Listens on a free port of loopback.</summary>
    /// <param name="encryption">What is encrypted by TLS: every SQL Server encrypts at least the log in.</param>
    public TdsStandIn(TdsEncryption encryption = TdsEncryption.Never)
    {
        (_encryption, _certificate) = (encryption, encryption == TdsEncryption.Never ? null : NewCertificate());
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>The error number of every refused log in; null: none is refused.</summary>
    public int? RefusesLogin { get; init; }

    /// <summary>Added to every connect: the server is far away.</summary>
    public TimeSpan ConnectDelay { get; set; }

    /// <summary>The number of connections so far.</summary>
    public int Connects => _clients.Count;

    /// <summary>The isolation levels of all transactions so far, as numbers of the protocol: 2 is READ COMMITTED, 5 is SNAPSHOT.</summary>
    public ConcurrentQueue<byte> Levels { get; } = [];

    /// <summary>The connection string.</summary>
    public string ConnectionString =>
        $"Server=tcp:127.0.0.1,{((IPEndPoint)_listener.LocalEndpoint).Port};User ID=u;Password=p;Encrypt={_encryption == TdsEncryption.Always};TrustServerCertificate=true;Connect Timeout=5;Pooling=false";

    /// <summary>The English message of an error number.</summary>
    public static string MessageOf(int number) => number switch
    {
        2601 => "Cannot insert duplicate key row in object 'dbo.secrets' with unique index 'ux_secrets_name'. The duplicate key value is (1, 0x75, 0x70).",
        2627 => "Violation of PRIMARY KEY constraint 'pk_owners'. Cannot insert duplicate key in object 'dbo.owners'. The duplicate key value is (1, 0x75).",
        _ => "Something went wrong.",
    };

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        foreach (var client in _clients)
        {
            client.Dispose(); // Connections of pools too.
        }

        await _accepting;
        _certificate?.Dispose();
    }

    private async Task AcceptAsync()
    {
        var served = new List<Task>();
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync();
                _clients.Add(client);
                served.Add(ServeAsync(client));
            }
        }
        catch (Exception exception) when (exception is SocketException or InvalidOperationException)
        {
            // The listener was stopped.
        }

        await Task.WhenAll(served);
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var connection = client;
        await using var network = client.GetStream();
        Stream stream = network;
        SslStream? tls = null;
        try
        {
            await Task.Delay(ConnectDelay);
            while (true)
            {
                var (type, message) = await ReadAsync(stream);
                if (type == Prelogin && _certificate is not null)
                {
                    await WriteAsync(network, PreloginAnswer(_encryption));
                    tls = await HandshakeAsync(network, _certificate);
                    (type, message) = await ReadAsync(tls);
                    stream = _encryption == TdsEncryption.Always ? tls : network;
                }

                if (AnswerTo(type, message) is { } answer)
                {
                    await WriteAsync(stream, answer);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or AuthenticationException)
        {
            // The client closed the connection.
        }
        finally
        {
            tls?.Dispose();
        }
    }

    private static byte[] PreloginAnswer(TdsEncryption encryption) => [0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 4, 0, 0, 0, (byte)encryption];

    private byte[]? AnswerTo(byte type, byte[] message) => type switch
    {
        Prelogin => PreloginAnswer(TdsEncryption.Never),
        Login when RefusesLogin is { } number => [.. Error(number), .. Done(0x02)],
        Login => [.. Changed(7, [0x09, 0x04, 0xd0, 0x00, 0x34], []), .. LoginAck(), .. Done()],
        TransactionManager => [.. TransactionChange(message.AsSpan(BinaryPrimitives.ReadInt32LittleEndian(message))), .. Done()],
        Attention => Done(0x20),
        Batch or Rpc => AnswerTo(Encoding.Unicode.GetString(message), Encoding.Unicode.GetString(message.AsSpan(1))),
        _ => throw new InvalidOperationException($"No answer to a message of type {type}."),
    };

    /// <summary>Text in UTF-16 may begin at an even or an odd offset.</summary>
    private static byte[]? AnswerTo(string even, string odd)
    {
        var text = even + odd;
        if (text.Contains(Hang, StringComparison.Ordinal))
        {
            return null;
        }

        var fails = text.IndexOf(Fail, StringComparison.Ordinal);
        if (fails >= 0)
        {
            var number = new string([.. text[(fails + Fail.Length)..].TakeWhile(char.IsAsciiDigit)]);
            return [.. Error(int.Parse(number, System.Globalization.CultureInfo.InvariantCulture)), .. Done(0x02)];
        }

        // One numeric column; one row with 1, or no row.
        byte[] columns = [0x81, 1, 0, 0, 0, 0, 0, 0, 0, 0x38, 1, (byte)'n', 0];
        return text.Contains("SELECT @moved", StringComparison.Ordinal)
            ? [.. columns, 0xd1, 1, 0, 0, 0, .. Done(0x10, 1)]
            : [.. columns, .. Done(0x10)];
    }

    private static byte[] LoginAck()
    {
        byte[] body = [1, 0x74, 0, 0, 4, .. Short("stand-in"), 16, 0, 0, 0];
        return [0xad, .. Length(body), .. body];
    }

    // 5 begins a transaction, 7 commits it, 8 rolls it back. The response says that the current transaction number changed.
    private byte[] TransactionChange(ReadOnlySpan<byte> request)
    {
        switch (BinaryPrimitives.ReadInt16LittleEndian(request))
        {
            case 5:
                Levels.Enqueue(request[sizeof(short)]);
                return Changed(8, [1, 2, 3, 4, 5, 6, 7, 8], []);
            case 7:
                return Changed(9, [], [1, 2, 3, 4, 5, 6, 7, 8]);
            default:
                return Changed(10, [], [1, 2, 3, 4, 5, 6, 7, 8]);
        }
    }

    private static byte[] Changed(byte what, byte[] to, byte[] from)
    {
        byte[] body = [what, (byte)to.Length, .. to, (byte)from.Length, .. from];
        return [0xe3, .. Length(body), .. body];
    }

    private static byte[] Error(int number)
    {
        var message = MessageOf(number);
        var (size, code) = (new byte[2], new byte[4]);
        BinaryPrimitives.WriteInt16LittleEndian(size, (short)message.Length);
        BinaryPrimitives.WriteInt32LittleEndian(code, number);
        byte[] body = [.. code, 1, 14, .. size, .. Encoding.Unicode.GetBytes(message), .. Short("s"), .. Short(""), 1, 0, 0, 0];
        return [0xaa, .. Length(body), .. body];
    }

    private static byte[] Done(byte status = 0, byte rows = 0) => [0xfd, status, 0, 0, 0, rows, 0, 0, 0, 0, 0, 0, 0];

    private static byte[] Short(string text) => [(byte)text.Length, .. Encoding.Unicode.GetBytes(text)];

    private static byte[] Length(byte[] body) => [(byte)body.Length, (byte)(body.Length >> 8)];

    /// <summary>Performs the TLS handshake.</summary>
    private static async Task<SslStream> HandshakeAsync(NetworkStream stream, X509Certificate2 certificate)
    {
        var packets = new HandshakeInPackets(stream);
        var tls = new SslStream(packets);
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificate = certificate,
            EnabledSslProtocols = SslProtocols.Tls12, // The newest version that this handshake supports.
        });
        packets.IsDone = true;
        return tls;
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=stand-in", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static async Task<(byte Type, byte[] Message)> ReadAsync(Stream stream)
    {
        using var message = new MemoryStream();
        var header = new byte[HeaderSize];
        do
        {
            await stream.ReadExactlyAsync(header);
            var part = new byte[BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(2)) - header.Length];
            await stream.ReadExactlyAsync(part);
            message.Write(part);
        }
        while ((header[1] & 1) == 0);
        return (header[0], message.ToArray());
    }

    private static async Task WriteAsync(Stream stream, byte[] message) => await stream.WriteAsync(Packet(Answer, message));

    private static byte[] Packet(byte type, ReadOnlySpan<byte> content)
    {
        byte[] packet = [type, 1, 0, 0, 0, 0, 1, 0, .. content];
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        return packet;
    }

    /// <summary>The stream below TLS during the handshake: it wraps sent bytes into packets and unwraps received ones.</summary>
    private sealed class HandshakeInPackets(NetworkStream inner) : Stream
    {
        private int _left;

        /// <summary>Whether the handshake is over and TLS records are sent without packets.</summary>
        public bool IsDone { get; set; }

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!IsDone && _left == 0)
            {
                var header = new byte[HeaderSize];
                await inner.ReadExactlyAsync(header, cancellationToken);
                _left = BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(2)) - HeaderSize;
            }

            var read = await inner.ReadAsync(IsDone ? buffer : buffer[..Math.Min(buffer.Length, _left)], cancellationToken);
            _left = IsDone ? 0 : _left - read;
            return read;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            await inner.WriteAsync(IsDone ? buffer : Packet(Prelogin, buffer.Span), cancellationToken);

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
