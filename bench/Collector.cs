using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Secrets.Bench;

/// <summary>A collector of telemetry that counts bytes and forgets them. It runs in the bench's process, whose processor time is not measured.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly WebApplication _app;
    private long _received;

    private Collector(WebApplication app) => _app = app;

    /// <summary>The settings of a service that sends its telemetry here.</summary>
    public IReadOnlyList<(string Name, string Value)> Settings => [("Telemetry__Otlp__Endpoint", _app.Urls.First())];

    /// <summary>The bytes received so far.</summary>
    public long Received => Interlocked.Read(ref _received);

    public static async Task<Collector> StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var collector = new Collector(app);
        app.Run(collector.TakeAsync);
        await app.StartAsync(cancellationToken);
        return collector;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task TakeAsync(HttpContext context)
    {
        var body = context.Request.BodyReader;
        for (var isDone = false; !isDone;)
        {
            var read = await body.ReadAsync(context.RequestAborted);
            Interlocked.Add(ref _received, read.Buffer.Length);
            body.AdvanceTo(read.Buffer.End);
            isDone = read.IsCompleted;
        }
    }
}
