using Secrets.Api.Tests.V1;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Hardening;

[Collection(StrictCollection.Name)]
public sealed class TrustingProxies(StrictServer strict, ApiServer open)
{
    /// <summary>The header that the proxy at 127.0.0.1 sends, and the resulting client address. Proxies in 10.0.0.0/8 are known too.</summary>
    [Theory]
    [InlineData(null, "127.0.0.1")]
    [InlineData("198.51.100.7", "198.51.100.7")]
    [InlineData("2001:db8::7", "2001:db8::7")]
    [InlineData("6.6.6.6, 198.51.100.7", "198.51.100.7")]
    [InlineData("6.6.6.6, 198.51.100.7, 10.1.2.3", "198.51.100.7")]
    [InlineData("10.9.9.9, 198.51.100.7, 10.1.2.3", "198.51.100.7")]
    [InlineData("nonsense", "127.0.0.1")]
    [InlineData("198.51.100.7, nonsense", "127.0.0.1")]
    public async Task The_last_address_reported_by_a_known_proxy_counts(string? forwarded, string expected) =>
        Assert.Equal(expected, await AddressAsync(strict.Server, forwarded));

    [Theory]
    [InlineData("198.51.100.7")]
    [InlineData("127.0.0.1, 198.51.100.7")]
    public async Task Forwarded_headers_are_ignored_unless_configured(string forwarded) =>
        Assert.Equal("127.0.0.1", await AddressAsync(open, forwarded));

    /// <summary>The client address in the audit row of a request.</summary>
    private static async Task<string> AddressAsync(ApiServer server, string? forwarded)
    {
        using var user = await server.NewUserAsync();
        (string, string)[] headers = forwarded is null ? [] : [("X-Forwarded-For", forwarded), ("Forwarded", "for=6.6.6.6"), ("X-Real-IP", "6.6.6.6")];
        (await user.SendAsync(HttpMethod.Post, Answers.Secrets, """{"secret_name":"n","secret_value":"some value"}""", headers)).MustBe(200);
        return await server.ScalarAsync<string>("SELECT address FROM audit WHERE actor = @id", ("id", user.UserId));
    }
}
