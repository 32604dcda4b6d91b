using System.Net;
using System.Net.Sockets;

namespace Secrets.TestKit;

/// <summary>A direction through the proxy.</summary>
public enum Direction
{
    ToDatabase,
    ToService,
}

/// <summary>A proxy between the service and its database. It cuts connections at a message that a test chooses.</summary>
public sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly IWireProtocol _protocol;
    private readonly EndPoint _database;
    private readonly Lock _lock = new();
    private readonly List<Socket> _sockets = [];
    private readonly Task _accepting;
    private Direction _direction;
    private int _messagesLeft = int.MaxValue;
    private double _share;
    private bool _isDown;

    /// <summary>A proxy for a database of the kind that the tests run on.</summary>
    public CuttingProxy(string connectionString)
        : this(connectionString, TestDatabase.IsSqlServer ? new TdsProtocol() : new PostgresProtocol())
    {
    }

    /// <summary>Listens on a free port of loopback.</summary>
    public CuttingProxy(string connectionString, IWireProtocol protocol)
    {
        _protocol = protocol;
        _database = protocol.AddressIn(connectionString);
        _listener.Start();
        ConnectionString = protocol.Through(connectionString, ((IPEndPoint)_listener.LocalEndpoint).Port);
        _accepting = AcceptAsync();
    }

    /// <summary>The connection string through the proxy.</summary>
    public string ConnectionString { get; }

    /// <summary>Whether the proxy has cut its connections and passes nothing on.</summary>
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
    /// Cuts all connections within the n-th message of a direction, counted from now, and then accepts no new ones. Earlier messages to the database
    /// still arrive and take effect.
    /// </summary>
    /// <param name="direction">The direction of the message.</param>
    /// <param name="message">Its number, from 1.</param>
    /// <param name="share">The share of the message that still arrives: 0 cuts before it, 1/2 in its middle.</param>
    public void CutIn(Direction direction, int message, double share = 0.5)
    {
        lock (_lock)
        {
            (_direction, _messagesLeft, _share) = (direction, message, share);
        }
    }

    /// <summary>Cuts all connections and accepts no new ones, as if the database did not exist.</summary>
    public void GoDown()
    {
        lock (_lock)
        {
            _isDown = true;
            Cut();
        }
    }

    /// <summary>Accepts and forwards connections again.</summary>
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
        catch (Exception exception) when (exception is SocketException or InvalidOperationException)
        {
            // The listener was stopped.
        }

        await Task.WhenAll(pumps);
    }

    private async Task ServeAsync(Socket service)
    {
        using var database = _database is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
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

                await ForwardAsync(one, other, Direction.ToDatabase, opens: true);
                await await Task.WhenAny(
                    ForwardAllAsync(one, other, Direction.ToDatabase), ForwardAllAsync(other, one, Direction.ToService));
            }
            catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException)
            {
                // The proxy, the service or the database closed the connection.
            }
        }
    }

    private async Task ForwardAllAsync(NetworkStream from, NetworkStream to, Direction direction)
    {
        while (true)
        {
            await ForwardAsync(from, to, direction, opens: false);
        }
    }

    private async Task ForwardAsync(NetworkStream from, NetworkStream to, Direction direction, bool opens)
    {
        var message = await _protocol.ReadAsync(from, opens);
        if (!IsCutIn(direction))
        {
            await to.WriteAsync(message);
            return;
        }

        await to.WriteAsync(message.AsMemory(0, (int)(message.Length * _share)));
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
