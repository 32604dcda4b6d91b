using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Secrets.TestKit.Tokens;

/// <summary>An OpenID Connect authority over HTTP. A test rotates its keys and causes its outages.</summary>
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

    /// <summary>The issuer.</summary>
    public string Issuer => _app.Urls.First();

    /// <summary>The signing key.</summary>
    public TestKey Key { get; private set; } = TestKey.For("ES256");

    /// <summary>The published keys.</summary>
    public IReadOnlyList<TestKey> Published { get; set; }

    /// <summary>The response in place of the keys; null: the keys.</summary>
    public Func<HttpContext, Task>? Instead { get; set; }

    /// <summary>A false issuer for the discovery document; null: the true one.</summary>
    public string? Pretended { get; set; }

    /// <summary>The number of requests for the keys.</summary>
    public int KeyRequests => Volatile.Read(ref _keyRequests);

    /// <summary>Requested paths other than the two that the authority serves.</summary>
    public ConcurrentQueue<string> OtherPaths { get; } = new();

    /// <summary>Starts the authority on a port of loopback; 0: any free port.</summary>
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

    /// <summary>Claims of a token that is valid for an hour.</summary>
    public JsonObject Claims(string subject) => new()
    {
        ["iss"] = Issuer,
        ["aud"] = Audience,
        ["sub"] = subject,
        ["iat"] = In(TimeSpan.Zero),
        ["exp"] = In(TimeSpan.FromHours(1)),
    };

    /// <summary>A valid token with additional or changed claims.</summary>
    public string Token(Guid user, params (string Name, JsonNode? Value)[] claims)
    {
        var all = Claims(user.ToString());
        foreach (var (name, value) in claims)
        {
            all[name] = value;
        }

        return Tokens.Token.Sign(Key, all);
    }

    /// <summary>Replaces the signing key, and publishes the new key beside the old one or in its place.</summary>
    public TestKey Rotate(bool keepLast)
    {
        var last = Key;
        Key = TestKey.For("ES256");
        Published = keepLast ? [last, Key] : [Key];
        return last;
    }

    /// <summary>A moment in the form of claims.</summary>
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
