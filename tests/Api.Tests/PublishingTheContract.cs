using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Secrets.Api.OpenApi;
using Secrets.Api.Tests.V1;
using Secrets.TestKit;

namespace Secrets.Api.Tests;

public sealed class PublishingTheContract(ApiServer server)
{
    [Theory]
    [InlineData("v1")]
    [InlineData("v1-3.0")]
    public async Task The_committed_document_is_served(string name)
    {
        using var client = server.Anonymous();
        var served = (await client.GetAsync($"/openapi/{name}.json")).MustBe(200);
        var committed = await File.ReadAllTextAsync(Path.Combine(Root(), "docs", "openapi", $"{name}.json"));
        Assert.True(committed == served.Body, $"docs/openapi/{name}.json differs from the served document: run eng/update-openapi");
    }

    /// <summary>Building a document takes tens of milliseconds, and the endpoint needs no credential.</summary>
    [Fact]
    public async Task A_document_is_built_once_and_supports_If_None_Match()
    {
        using var client = server.Anonymous();
        var documents = server.Services.GetRequiredService<PublishedDocuments>();

        var first = (await client.GetAsync("/openapi/v1.json")).MustBe(200);
        var made = await documents.GetAsync("v1");
        var tag = first.Headers.ETag!.ToString();
        var again = (await client.SendAsync(HttpMethod.Get, "/openapi/v1.json", json: null, ("If-None-Match", tag))).MustBe(304);
        var other = (await client.SendAsync(HttpMethod.Get, "/openapi/v1-3.0.json", json: null, ("If-None-Match", tag))).MustBe(200);

        Assert.Equal("", again.Body);
        Assert.NotEqual(first.Headers.ETag, other.Headers.ETag);
        Assert.Same(made, await documents.GetAsync("v1"));
    }

    [Theory]
    [InlineData("MARK")]
    [InlineData("v2")]
    [InlineData("v1-3x0")]
    [InlineData("%0d%0aMARK")]
    public async Task An_unknown_document_is_404_and_its_name_is_not_repeated(string name)
    {
        using var nobody = server.Anonymous();
        using var user = await server.NewUserAsync();

        (await nobody.GetAsync($"/openapi/{name}.json")).MustBeError(401).MustNotRepeat("mark").MustNotRepeat("MARK");
        (await user.GetAsync($"/openapi/{name}.json")).MustBeError(404).MustNotRepeat("mark").MustNotRepeat("MARK");
    }

    [Theory]
    [InlineData("/swagger")]
    [InlineData("/swagger/")]
    public async Task The_page_works_below_a_proxy_prefix(string path)
    {
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        using var answer = await client.GetAsync(new Uri(server.Address, path), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Found, answer.StatusCode);
        Assert.False(answer.Headers.Location!.IsAbsoluteUri);
        Assert.Equal("https://proxy.example/below/swagger/index.html", new Uri(new Uri($"https://proxy.example/below{path}"), answer.Headers.Location).AbsoluteUri);
    }

    [Fact]
    public async Task The_page_loads_only_its_own_documents()
    {
        using var client = server.Anonymous();

        var page = (await client.GetAsync("/swagger/index.html?url=https://elsewhere.example/openapi.json")).MustBe(200);

        Assert.Contains("swagger-ui", page.Body, StringComparison.Ordinal);
        Assert.Contains("""var urls = [{"url":"../openapi/v1.json","name":"OpenAPI 3.1"},{"url":"../openapi/v1-3.0.json","name":"OpenAPI 3.0"}];""", page.Body, StringComparison.Ordinal);
        Assert.Contains("persistAuthorization: true", page.Body, StringComparison.Ordinal);
        Assert.Contains("deepLinking: true", page.Body, StringComparison.Ordinal);
        Assert.Contains("validatorUrl: null", page.Body, StringComparison.Ordinal);
        Assert.Contains("connect-src 'self';", Assert.Single(page.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/swagger/index.html/")]
    [InlineData("GET", "/swagger//")]
    [InlineData("GET", "/swagger/index.html//////")]
    [InlineData("POST", "/swagger/index.html")]
    [InlineData("DELETE", "/swagger")]
    public async Task The_page_has_one_path_and_accepts_reads_only(string method, string path)
    {
        using var client = server.Anonymous();

        (await client.SendAsync(new HttpMethod(method), path)).MustBe(401);
    }

    [Theory]
    [InlineData(null, 401)]
    [InlineData("true", 200)]
    public async Task Production_serves_the_page_only_if_enabled(string? isEnabled, int status)
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using var service = installation.StartHere(settings: ("Swagger__Enabled", isEnabled));
        using var client = new ApiClient(new HttpClient { BaseAddress = await service.AddressAsync() });

        (await client.GetAsync("/swagger/index.html")).MustBe(status);
        (await client.GetAsync("/openapi/v1.json")).MustBe(200);
    }

    [Fact]
    public void Only_health_and_the_contract_are_public()
    {
        var open = server.Services.GetRequiredService<IEnumerable<EndpointDataSource>>()
            .SelectMany(source => source.Endpoints)
            .OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null)
            .Select(endpoint => endpoint.RoutePattern.RawText)
            .Order(StringComparer.Ordinal);
        Assert.Equal(["/health/live", "/health/ready", OpenApiDocuments.Route], open);
    }

    private static string Root([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", ".."));
}
