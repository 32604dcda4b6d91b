using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;

namespace Secrets.Client.Tests;

/// <summary>An HTTP server with answers of the test, for behaviour that is hard to provoke in the service.</summary>
internal sealed class FakeService : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Received> _received = new();

    /// <summary>The answer null breaks the connection.</summary>
    public FakeService(Func<Received, Answered?> answer)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Run(context => AnswerAsync(context, answer));
        ((IHost)_app).Start();
        Address = new Uri($"{_app.Urls.Single()}/");
    }

    public Uri Address { get; }

    public IReadOnlyCollection<Received> Requests => _received;

    public static Answered Answer(int status, string body, params (string Name, string Value)[] headers) => new(status, body, headers);

    public ISecretsClient Client(int retries = 3) => Clients.Of(
        options => (options.BaseAddress, options.ApiKey, options.MaxRetries) = (Address, "a-key", retries));

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context, Func<Received, Answered?> answer)
    {
        using var reader = new StreamReader(context.Request.Body);
        var received = new Received(
            context.Request.Method,
            context.Features.Get<IHttpRequestFeature>()!.RawTarget,
            context.Request.Headers.Authorization,
            await reader.ReadToEndAsync());
        _received.Enqueue(received);
        if (answer(received) is not { } answered)
        {
            context.Abort();
            return;
        }

        context.Response.StatusCode = answered.Status;
        foreach (var (name, value) in answered.Headers)
        {
            context.Response.Headers[name] = value;
        }

        await context.Response.WriteAsync(answered.Body);
    }

    internal sealed record Received(string Method, string Url, string? Authorization, string Body);

    internal sealed record Answered(int Status, string Body, (string Name, string Value)[] Headers);
}
