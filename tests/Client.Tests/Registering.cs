using Microsoft.Extensions.Options;
using Secrets.TestKit;

namespace Secrets.Client.Tests;

public sealed class Registering(ApiServer server)
{
    public static TheoryData<string, string?, string?, bool, int> Wrong => new()
    {
        { "BaseAddress", null, "key", false, 3 },
        { "BaseAddress", "secrets.example", "key", false, 3 },
        { "BaseAddress", "ftp://secrets.example/", "key", false, 3 },
        { "BaseAddress", "http://secrets.example/?a=b", "key", false, 3 },
        { "BaseAddress", "http://user:password@secrets.example/", "key", false, 3 },
        { "TokenProvider", "http://secrets.example/", null, false, 3 },
        { "TokenProvider", "http://secrets.example/", "key", true, 3 },
        { "ApiKey", "http://secrets.example/", "", false, 3 },
        { "ApiKey", "http://secrets.example/", "hunter2\n", false, 3 },
        { "MaxRetries", "http://secrets.example/", "key", false, -1 },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_wrong_option_is_named_and_not_repeated(string option, string? address, string? key, bool provider, int retries)
    {
        var wrong = Assert.Throws<OptionsValidationException>(() => Clients.Of(options =>
        {
            options.BaseAddress = address is null ? null : new Uri(address, UriKind.RelativeOrAbsolute);
            options.ApiKey = key;
            options.TokenProvider = provider ? _ => new("token") : null;
            options.MaxRetries = retries;
        }));
        Assert.Contains(option, Assert.Single(wrong.Failures), StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", wrong.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("below")]
    [InlineData("below/")]
    public async Task The_base_address_may_have_a_path(string path)
    {
        await using var service = new FakeService(_ => FakeService.Answer(200, """{"data":[]}"""));
        var client = Clients.Of(options => (options.BaseAddress, options.ApiKey) = (new Uri(service.Address, path), "key"));
        await client.ListSecretsAsync(toolName: "a b&c=d");
        Assert.Equal(
            $"{(path.Length > 0 ? "/below" : "")}/api/v1/secrets?tool_name=a%20b%26c%3Dd", Assert.Single(service.Requests).Url);
    }

    [Fact]
    public async Task A_client_works_without_dependency_injection()
    {
        using var http = new HttpClient { BaseAddress = server.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", ApiServer.BootstrapKey);
        Assert.True((await new SecretsClient(http).GetUsageAsync()).BytesQuota > 0);
    }
}
