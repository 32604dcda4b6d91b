using System.Text.Json.Nodes;
using Secrets.Api.Tests.V1;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Running;

/// <summary>A proxy serves the service below a prefix, and leaves the prefix in the path.</summary>
public sealed class BelowAPrefix
{
    [Fact]
    public async Task The_API_the_documents_and_the_page_work_with_and_without_the_prefix()
    {
        await using var server = ApiServer.With(("Proxies:PathBase", "/platform/vault"), ("Swagger:Enabled", "true"));
        await server.InitializeAsync();
        using var user = await server.NewUserAsync();
        foreach (var prefix in (string[])["", "/platform/vault"])
        {
            (await user.GetAsync($"{prefix}/health/live")).MustBe(200);
            var id = (await user.PostAsync($"{prefix}{Answers.Secrets}", new JsonObject { ["secret_name"] = $"below {prefix}", ["secret_value"] = "some value" })).MustBeSecret().Id();
            (await user.GetAsync($"{prefix}{Answers.Secrets}/{id}")).MustBeSecret();

            // An address in the document is relative to the document.
            var document = (await user.GetAsync($"{prefix}/openapi/v1.json")).MustBe(200).Json;
            Assert.Equal("..", document["servers"]![0]!["url"]!.GetValue<string>());
            var page = await user.GetAsync($"{prefix}/swagger/index.html");
            Assert.Equal(200, page.Status);
            Assert.DoesNotContain("src=\"/", page.Body, StringComparison.Ordinal);
        }

        (await user.GetAsync("/platform/vault2/health/live")).MustBe(404);
        (await user.GetAsync($"/platform{Answers.Secrets}")).MustBe(404);
    }
}
