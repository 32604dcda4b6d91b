using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Secrets.TestKit;

/// <summary>A direction through the proxy.</summary>
public enum Direction
{
    ToDatabase,
    ToService,
}

/// <summary>Stands between the service and its database and cuts their connections where a test wants it.</summary>
public sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly EndPoint _database;
    private readonly string _connectionString;
    private readonly Lock _lock = new();
    private readonly List<Socket> _sockets = [];
    private readonly Task _accepting;
    private Direction _direction;
    private int _messagesLeft = int.MaxValue;
    private bool _isDown;

    /// <summary>Listens on a free port of loopback.</summary>
    public CuttingProxy(string connectionString)
    {
        var direct = new NpgsqlConnectionStringBuilder(connectionString);
        _database = Path.IsPathRooted(direct.Host)
            ? new UnixDomainSocketEndPoint(Path.Combine(direct.Host, $".s.PGSQL.{direct.Port}"))
            : new DnsEndPoint(direct.Host!, direct.Port);
        _listener.Start();
        _connectionString = new NpgsqlConnectionStringBuilder(connectionString)
        {
            Host = IPAddress.Loopback.ToString(),
            Port = ((IPEndPoint)_listener.LocalEndpoint).Port,
            SslMode = SslMode.Disable,
            GssEncryptionMode = GssEncryptionMode.Disable,
        }.ConnectionString;
        _accepting = AcceptAsync();
    }

    /// <summary>How to reach the database through the proxy.</summary>
    public string ConnectionString => _connectionString;

    /// <summary>Whether there was a cut, and nothing gets through since.</summary>
    public bool IsDown
    {
        get
        {
            lock (_lock)
            {
                return _isDown;
            }
        }
    }

    /// <summary>
    /// Cuts all connections in the middle of the n-th message from now on that goes in that direction, and then takes no new ones. Where the
    /// message goes to the database, what was sent before it still arrives and is acted on.
    /// </summary>
    public void CutIn(Direction direction, int message)
    {
        lock (_lock)
        {
            (_direction, _messagesLeft) = (direction, message);
        }
    }

    /// <summary>Lets everything through again.</summary>
    public void Heal()
    {
        lock (_lock)
        {
            (_isDown, _messagesLeft) = (false, int.MaxValue);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        lock (_lock)
        {
            Cut();
        }

        await _accepting;
    }

    private async Task AcceptAsync()
    {
        var pumps = new List<Task>();
        try
        {
            while (true)
            {
                var service = await _listener.AcceptSocketAsync();
                pumps.Add(ServeAsync(service));
            }
        }
        catch (SocketException)
        {
            // stopped
        }

        await Task.WhenAll(pumps);
    }

    private async Task ServeAsync(Socket service)
    {
        using var database = new Socket(_database.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        using (service)
        {
            lock (_lock)
            {
                if (_isDown)
                {
                    return;
                }

                _sockets.AddRange([service, database]);
            }

            try
            {
                await database.ConnectAsync(_database);
                service.NoDelay = true;
                await using var one = new NetworkStream(service);
                await using var other = new NetworkStream(database);

                // The first message has a length only, all others a letter before it.
                await ForwardAsync(one, other, Direction.ToDatabase, header: 4);
                await await Task.WhenAny(
                    ForwardAllAsync(one, other, Direction.ToDatabase), ForwardAllAsync(other, one, Direction.ToService));
            }
            catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException)
            {
                // cut, by us or by one of them
            }
        }
    }

    private async Task ForwardAllAsync(NetworkStream from, NetworkStream to, Direction direction)
    {
        while (true)
        {
            await ForwardAsync(from, to, direction, header: 5);
        }
    }

    private async Task ForwardAsync(NetworkStream from, NetworkStream to, Direction direction, int header)
    {
        var head = new byte[header];
        await from.ReadExactlyAsync(head);
        var message = new byte[header - 4 + BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(header - 4))];
        head.CopyTo(message, 0);
        await from.ReadExactlyAsync(message.AsMemory(header));
        if (!IsCutIn(direction))
        {
            await to.WriteAsync(message);
            return;
        }

        await to.WriteAsync(message.AsMemory(0, message.Length / 2));
        lock (_lock)
        {
            Cut();
        }
    }

    private bool IsCutIn(Direction direction)
    {
        lock (_lock)
        {
            if (direction != _direction || _messagesLeft == int.MaxValue || --_messagesLeft > 0)
            {
                return false;
            }

            _isDown = true;
            return true;
        }
    }

    private void Cut()
    {
        foreach (var socket in _sockets)
        {
            socket.Dispose();
        }

        _sockets.Clear();
    }
}
