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
    public async Task The_committed_document_is_the_one_that_is_served(string name)
    {
        using var client = server.Anonymous();
        var served = (await client.GetAsync($"/openapi/{name}.json")).MustBe(200);
        var committed = await File.ReadAllTextAsync(Path.Combine(Root(), "docs", "openapi", $"{name}.json"));
        Assert.True(
            Normal(committed) == Normal(served.Body), $"docs/openapi/{name}.json is not what the service serves: run eng/update-openapi");

        // The server's own address is no part of the contract, and the build does not know it.
        static string Normal(string json)
        {
            var document = System.Text.Json.Nodes.JsonNode.Parse(json)!.AsObject();
            document.Remove("servers");
            return document.ToJsonString();
        }
    }

    [Theory]
    [InlineData("MARK")]
    [InlineData("v2")]
    [InlineData("v1-3x0")]
    [InlineData("%0d%0aMARK")]
    public async Task Another_document_does_not_exist_and_its_name_is_not_repeated(string name)
    {
        using var nobody = server.Anonymous();
        using var user = await server.NewUserAsync();

        (await nobody.GetAsync($"/openapi/{name}.json")).MustBeError(401).MustNotRepeat("mark").MustNotRepeat("MARK");
        (await user.GetAsync($"/openapi/{name}.json")).MustBeError(404).MustNotRepeat("mark").MustNotRepeat("MARK");
    }

    [Fact]
    public async Task The_documentation_page_is_served()
    {
        using var client = server.Anonymous();
        var page = (await client.GetAsync("/swagger/index.html")).MustBe(200);
        Assert.Contains("swagger-ui", page.Body, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_but_health_and_the_contract_is_open_to_everybody()
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
