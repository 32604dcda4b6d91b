using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Secrets.TestKit;
using Secrets.TestKit.Tokens;

namespace Secrets.Api.Tests.Running;

/// <summary>The signing keys of an authority change while the service runs.</summary>
public sealed class TrustingAnAuthority
{
    private const string Path = "/api/v1/secrets";

    private static readonly Guid User = Guid.NewGuid();

    [Fact]
    public async Task New_signing_keys_work_with_their_first_token_and_old_ones_end_at_the_next_refresh()
    {
        await using var server = await StartAsync(("Auth:Jwt:RefreshSeconds", "1"));
        var before = server.Issuer.Token(User);
        (await AskAsync(server, before)).MustBe(200);

        // Overlap: both keys are published.
        server.Issuer.Rotate(keepLast: true);
        var after = server.Issuer.Token(User);
        await UntilAsync(() => AskAsync(server, after), 200);
        (await AskAsync(server, before)).MustBe(200);

        // Removed: after the next refresh the old key is refused, although its cached tokens have not expired.
        server.Issuer.Rotate(keepLast: false);
        await UntilAsync(() => AskAsync(server, server.Issuer.Token(User)), 200);
        (await AskAsync(server, before)).MustBe(401);
        (await AskAsync(server, after)).MustBe(401);
    }

    [Fact]
    public async Task Signing_keys_are_refreshed_periodically()
    {
        await using var server = await StartAsync(("Auth:Jwt:KeyLifetimeSeconds", "1"));
        var token = server.Issuer.Token(User);
        (await AskAsync(server, token)).MustBe(200);
        server.Issuer.Rotate(keepLast: false);
        await UntilAsync(() => AskAsync(server, token), 401);
    }

    [Fact]
    public async Task Unknown_key_ids_do_not_cause_a_fetch_each()
    {
        await using var server = await StartAsync();
        (await AskAsync(server, server.Issuer.Token(User))).MustBe(200);
        var asked = server.Issuer.KeyRequests;

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ =>
            AskAsync(server, Token.Sign(TestKey.For("ES256"), server.Issuer.Claims("mallory")))));

        Assert.All(answers, answer => answer.MustBe(401));
        Assert.Equal(asked, server.Issuer.KeyRequests);
    }

    [Fact]
    public async Task Concurrent_tokens_with_a_new_key_cause_one_fetch()
    {
        await using var server = await StartAsync(("Auth:Jwt:RefreshSeconds", "2"));
        (await AskAsync(server, server.Issuer.Token(User))).MustBe(200);
        await Task.Delay(TimeSpan.FromSeconds(2.2));
        server.Issuer.Rotate(keepLast: true);
        var asked = server.Issuer.KeyRequests;
        server.Issuer.Instead = async context =>
        {
            // Long enough for all requests to wait for this fetch.
            server.Issuer.Instead = null;
            await Task.Delay(300);
            await context.Response.WriteAsync($$"""{"keys":[{{server.Issuer.Key.PublicJwk().ToJsonString()}}]}""");
        };

        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => AskAsync(server, server.Issuer.Token(Guid.NewGuid()))));

        Assert.All(answers, answer => answer.MustBe(200));
        Assert.Equal(asked + 1, server.Issuer.KeyRequests);
    }

    [Theory]
    [InlineData("down")]
    [InlineData("error")]
    [InlineData("redirect")]
    [InlineData("rubbish")]
    [InlineData("endless")]
    [InlineData("silent")]
    public async Task The_last_good_keys_survive_an_outage(string kind)
    {
        await using var server = await StartAsync(("Auth:Jwt:RefreshSeconds", "1"), ("Auth:Jwt:KeyLifetimeSeconds", "1"));
        var token = server.Issuer.Token(User);
        (await AskAsync(server, token)).MustBe(200);
        server.Issuer.Instead = context => OutageAsync(context, kind);

        await UntilLoggedAsync(server, "The last keys stay in use");

        (await AskAsync(server, token)).MustBe(200);
        (await AskAsync(server, server.Issuer.Token(Guid.NewGuid()))).MustBe(200);
        server.Issuer.Rotate(keepLast: false);
        (await AskAsync(server, server.Issuer.Token(User))).MustBe(401);
        server.Issuer.Instead = null;
        await UntilAsync(() => AskAsync(server, server.Issuer.Token(User)), 200);
    }

    [Fact]
    public async Task An_authority_that_publishes_no_keys_invalidates_all_tokens()
    {
        await using var server = await StartAsync(("Auth:Jwt:KeyLifetimeSeconds", "1"));
        var token = server.Issuer.Token(User);
        (await AskAsync(server, token)).MustBe(200);
        server.Issuer.Published = [];
        await UntilAsync(() => AskAsync(server, token), 401);
    }

    [Fact]
    public async Task Tokens_are_503_until_the_authority_is_reachable()
    {
        var port = FreePort();
        await using var server = await StartAsync(("Auth:Jwt:Authority", $"http://127.0.0.1:{port}"), ("Auth:Jwt:RefreshSeconds", "1"));
        using var user = await server.NewUserAsync();
        (await user.GetAsync(Path)).MustBe(200);
        await using var issuer = await IdentityProvider.StartAsync(0);
        var token = Token.Sign(issuer.Key, issuer.Claims("ana"));

        var answer = (await AskAsync(server, token)).MustBe(503);

        Assert.NotNull(answer.Headers.RetryAfter);
        Assert.Equal("""{"detail":"The service is temporarily unavailable. Try again later."}""", answer.Body);
        using var client = server.WithToken(token);
        Assert.Equal(200, (await client.GetAsync("/health/live")).Status);
        Assert.Contains(server.Log.Lines, line => line.Contains("every JWT is answered with 503", StringComparison.Ordinal));

        await using var late = await IdentityProvider.StartAsync(port);
        await UntilAsync(() => AskAsync(server, late.Token(User)), 200);
    }

    [Fact]
    public async Task An_authority_with_another_issuer_is_accepted_only_if_configured()
    {
        await using var issuer = await IdentityProvider.StartAsync();
        issuer.Pretended = "https://elsewhere.example";
        var claims = issuer.Claims("ana");
        claims["iss"] = issuer.Pretended;
        var token = Token.Sign(issuer.Key, claims);

        await using (var doubting = await StartAsync(("Auth:Jwt:Authority", issuer.Issuer)))
        {
            (await AskAsync(doubting, token)).MustBe(503);
            Assert.Contains(doubting.Log.Lines, line => line.Contains("Auth:Jwt:Issuer", StringComparison.Ordinal));
        }

        await using var told = await StartAsync(("Auth:Jwt:Authority", issuer.Issuer), ("Auth:Jwt:Issuer", issuer.Pretended));
        (await AskAsync(told, token)).MustBe(200);
        (await AskAsync(told, issuer.Token(User))).MustBe(401);
    }

    [Fact]
    public async Task Tokens_get_only_the_scopes_that_the_settings_allow()
    {
        await using var server = await StartAsync(("Auth:Jwt:AllowedScopes", "secrets:read audit:read"), ("Auth:Jwt:OrganizationsClaim", "groups"));
        (await AskAsync(server, server.Issuer.Token(User, ("scope", "secrets:read operator")))).MustBe(200);
        (await AskAsync(server, server.Issuer.Token(User, ("scope", "operator")))).MustBe(403);
        using var browser = server.WithToken(server.Issuer.Token(User));
        (await browser.GetAsync(Path)).MustBe(200);
        (await browser.DeleteAsync($"{Path}/{Guid.NewGuid()}")).MustBe(403);
        (await AskAsync(server, server.Issuer.Token(User, ("groups", "acme")))).MustBe(401);
        (await AskAsync(server, server.Issuer.Token(User, ("organizations", "acme")))).MustBe(200);
    }

    private static async Task<ApiServer> StartAsync(params (string, string?)[] settings)
    {
        var server = ApiServer.With(settings);
        await server.InitializeAsync();
        return server;
    }

    private static async Task<Answer> AskAsync(ApiServer server, string token)
    {
        using var client = server.WithToken(token);
        return await client.GetAsync(Path);
    }

    private static async Task UntilAsync(Func<Task<Answer>> ask, int status)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        Answer answer;
        while ((answer = await ask()).Status != status)
        {
            Assert.False(limit.IsCancellationRequested, $"expected {status} at last, got {answer}");
            await Task.Delay(100);
        }
    }

    private static async Task UntilLoggedAsync(ApiServer server, string text)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!server.Log.Lines.Any(line => line.Contains(text, StringComparison.Ordinal)))
        {
            await Task.Delay(100, limit.Token);
        }
    }

    private static async Task OutageAsync(HttpContext context, string kind)
    {
        switch (kind)
        {
            case "down":
                context.Abort();
                break;
            case "error":
                context.Response.StatusCode = 500;
                break;
            case "redirect":
                context.Response.Redirect("/elsewhere");
                break;
            case "rubbish":
                await context.Response.WriteAsync("<html>");
                break;
            case "endless":
                while (!context.RequestAborted.IsCancellationRequested)
                {
                    await context.Response.WriteAsync(new string(' ', 64 * 1024), context.RequestAborted);
                }

                break;
            default:
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
                break;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
