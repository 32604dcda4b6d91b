using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Secrets.TestKit.Tokens;

/// <summary>An OpenID Connect authority over HTTP, with keys that a test rotates and outages that it causes.</summary>
public sealed class IdentityProvider : IAsyncDisposable
{
    public const string Audience = "secrets-tests";

    private readonly WebApplication _app;
    private int _keyRequests;

    private IdentityProvider(WebApplication app)
    {
        _app = app;
        Published = [Key];
    }

    /// <summary>What it calls itself.</summary>
    public string Issuer => _app.Urls.First();

    /// <summary>The key that it signs with.</summary>
    public TestKey Key { get; private set; } = TestKey.For("ES256");

    /// <summary>The keys that it publishes.</summary>
    public IReadOnlyList<TestKey> Published { get; set; }

    /// <summary>What it answers in place of its keys; null: its keys.</summary>
    public Func<HttpContext, Task>? Instead { get; set; }

    /// <summary>What it calls itself in its discovery document; null: what it is.</summary>
    public string? Pretended { get; set; }

    /// <summary>How often its keys were asked for.</summary>
    public int KeyRequests => Volatile.Read(ref _keyRequests);

    /// <summary>Paths that were asked for, other than the two that it serves.</summary>
    public ConcurrentQueue<string> OtherPaths { get; } = new();

    /// <summary>Starts it on a port of loopback; 0: any that is free.</summary>
    public static async Task<IdentityProvider> StartAsync(int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        var app = builder.Build();
        var provider = new IdentityProvider(app);
        app.Run(provider.AnswerAsync);
        await app.StartAsync();
        return provider;
    }

    /// <summary>Claims of a token that is accepted for an hour.</summary>
    public JsonObject Claims(string subject) => new()
    {
        ["iss"] = Issuer,
        ["aud"] = Audience,
        ["sub"] = subject,
        ["iat"] = In(TimeSpan.Zero),
        ["exp"] = In(TimeSpan.FromHours(1)),
    };

    /// <summary>A token that is accepted, with more or other claims.</summary>
    public string Token(Guid user, params (string Name, JsonNode? Value)[] claims)
    {
        var all = Claims(user.ToString());
        foreach (var (name, value) in claims)
        {
            all[name] = value;
        }

        return Tokens.Token.Sign(Key, all);
    }

    /// <summary>Signs with another key from now on, and publishes it beside the last one or in its place.</summary>
    public TestKey Rotate(bool keepLast)
    {
        var last = Key;
        Key = TestKey.For("ES256");
        Published = keepLast ? [last, Key] : [Key];
        return last;
    }

    /// <summary>A moment as claims have it.</summary>
    public static long In(TimeSpan time) => (DateTimeOffset.UtcNow + time).ToUnixTimeSeconds();

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private Task AnswerAsync(HttpContext context)
    {
        switch (context.Request.Path.Value)
        {
            case "/.well-known/openid-configuration":
                return context.Response.WriteAsJsonAsync(new JsonObject { ["issuer"] = Pretended ?? Issuer, ["jwks_uri"] = $"{Issuer}/keys" });
            case "/keys":
                Interlocked.Increment(ref _keyRequests);
                return Instead?.Invoke(context)
                    ?? context.Response.WriteAsJsonAsync(new JsonObject { ["keys"] = new JsonArray([.. Published.Select(key => key.PublicJwk())]) });
            default:
                OtherPaths.Enqueue(context.Request.Path);
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
        }
    }
}
