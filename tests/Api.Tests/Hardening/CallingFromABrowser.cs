using Secrets.Api.Tests.V1;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Hardening;

[Collection(StrictCollection.Name)]
public sealed class CallingFromABrowser(StrictServer strict, ApiServer closed)
{
    private const string Foreign = "https://evil.example";

    [Theory]
    [InlineData("PATCH")]
    [InlineData("DELETE")]
    [InlineData("POST")]
    public async Task Preflight_from_a_configured_origin_needs_no_credential(string method)
    {
        var allowed = await PreflightAsync(strict.Server, StrictServer.Origin, method);

        Assert.Equal(204, allowed.Status);
        Assert.Equal(StrictServer.Origin, One(allowed, "Access-Control-Allow-Origin"));
        Assert.Contains(method, One(allowed, "Access-Control-Allow-Methods")!, StringComparison.Ordinal);
        foreach (var header in (string[])["authorization", "token", "x-api-key", "if-match", "content-type"])
        {
            Assert.Contains(header, One(allowed, "Access-Control-Allow-Headers")!, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Null(One(allowed, "Access-Control-Allow-Credentials"));
    }

    [Theory]
    [InlineData(Foreign)]
    [InlineData("https://app.example.evil.example")]
    [InlineData("http://app.example")]
    [InlineData("https://app.example:8443")]
    [InlineData("null")]
    public async Task Preflight_from_another_origin_is_not_allowed(string origin) =>
        Assert.Null(One(await PreflightAsync(strict.Server, origin, "POST"), "Access-Control-Allow-Origin"));

    [Fact]
    public async Task A_page_can_read_failures_and_the_exposed_headers()
    {
        using var nobody = strict.Server.Anonymous();
        using var user = await strict.Server.NewUserAsync();
        var id = await user.CreateSecretAsync("n");

        var refused = (await nobody.SendAsync(HttpMethod.Get, Answers.Secrets, json: null, ("Origin", StrictServer.Origin))).MustBeError(401);
        var missing = (await user.SendAsync(HttpMethod.Get, Answers.One(Guid.NewGuid()), json: null, ("Origin", StrictServer.Origin))).MustBeError(404);
        var got = await user.SendAsync(HttpMethod.Get, Answers.One(id), json: null, ("Origin", StrictServer.Origin));
        var foreign = await user.SendAsync(HttpMethod.Get, Answers.One(id), json: null, ("Origin", Foreign));

        got.MustBeSecret();
        Assert.All([refused, missing, got], answer =>
        {
            Assert.Equal(StrictServer.Origin, One(answer, "Access-Control-Allow-Origin"));
            Assert.Equal("ETag,Retry-After,X-Request-Id", One(answer, "Access-Control-Expose-Headers"));
        });
        Assert.Null(One(foreign, "Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task Without_configured_origins_CORS_is_off()
    {
        Assert.Null(One(await PreflightAsync(closed, StrictServer.Origin, "POST"), "Access-Control-Allow-Origin"));
        using var user = await closed.NewUserAsync();
        var answer = (await user.SendAsync(HttpMethod.Get, Answers.Secrets, json: null, ("Origin", StrictServer.Origin))).MustBe(200);
        Assert.DoesNotContain(answer.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("/api/v1/secrets", 200)]
    [InlineData("/api/v1/nothing", 404)]
    [InlineData("/health/live", 200)]
    [InlineData("/swagger/index.html", 200)]
    public async Task Every_answer_has_security_headers_and_no_server_name(string path, int status)
    {
        using var user = await closed.NewUserAsync();

        var answer = (await user.GetAsync(path)).MustBe(status);

        Assert.Equal("nosniff", One(answer, "X-Content-Type-Options"));
        Assert.Contains("frame-ancestors 'none'", One(answer, "Content-Security-Policy")!.Split("; "));
        Assert.Equal("no-referrer", One(answer, "Referrer-Policy"));
        Assert.Empty(answer.Headers.Server);
        Assert.Null(One(answer, "X-Powered-By"));
    }

    private static async Task<Answer> PreflightAsync(ApiServer server, string origin, string method)
    {
        using var nobody = server.Anonymous();
        return await nobody.SendAsync(
            HttpMethod.Options,
            Answers.One(Guid.NewGuid()),
            json: null,
            ("Origin", origin),
            ("Access-Control-Request-Method", method),
            ("Access-Control-Request-Headers", "authorization,content-type,if-match,token,x-api-key"));
    }

    private static string? One(Answer answer, string header) => answer.Headers.TryGetValues(header, out var values) ? string.Join(',', values) : null;
}
