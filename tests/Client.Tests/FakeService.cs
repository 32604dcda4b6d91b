using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace Secrets.Client.Tests;

/// <summary>Something that answers HTTP as a test says; for what the service itself is not easily brought to do.</summary>
internal sealed class FakeService : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Func<Received, Answered?> _answer;
    private readonly Task _loop;
    private readonly ConcurrentQueue<Received> _received = new();

    /// <summary>An answer of null closes the connection without one.</summary>
    public FakeService(Func<Received, Answered?> answer)
    {
        _answer = answer;
        Address = new Uri($"http://127.0.0.1:{FreePort()}/");
        _listener.Prefixes.Add(Address.AbsoluteUri);
        _listener.Start();
        _loop = Task.Run(ServeAsync);
    }

    public Uri Address { get; }

    public IReadOnlyCollection<Received> Requests => _received;

    public static Answered Answer(int status, string body, params (string Name, string Value)[] headers) => new(status, body, headers);

    public ISecretsClient Client(int retries = 3, TimeProvider? time = null) => Clients.Of(
        options => (options.BaseAddress, options.ApiKey, options.MaxRetries) = (Address, "a-key", retries), time);

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _loop;
        _listener.Close();
    }

    private static int FreePort()
    {
        using var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception stopped) when (stopped is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            using var reader = new StreamReader(context.Request.InputStream);
            var received = new Received(
                context.Request.HttpMethod, context.Request.RawUrl!, context.Request.Headers["Authorization"], await reader.ReadToEndAsync());
            _received.Enqueue(received);
            if (_answer(received) is not { } answered)
            {
                context.Response.Abort();
                continue;
            }

            context.Response.StatusCode = answered.Status;
            context.Response.ContentType = "application/json";
            foreach (var (name, value) in answered.Headers)
            {
                context.Response.AddHeader(name, value);
            }

            await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(answered.Body));
            context.Response.Close();
        }
    }

    internal sealed record Received(string Method, string Url, string? Authorization, string Body);

    internal sealed record Answered(int Status, string Body, (string Name, string Value)[] Headers);
}
