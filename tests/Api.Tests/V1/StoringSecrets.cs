using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

public sealed class StoringSecrets(ApiServer server)
{
    [Theory]
    [InlineData("/api/v1/secrets")]
    [InlineData("/api/v1/secrets/")]
    [InlineData("/v1/secrets")]
    [InlineData("/v1/secrets/")]
    public async Task Every_spelling_of_the_path_serves_every_operation(string path)
    {
        using var user = await server.NewUserAsync();
        var one = path.TrimEnd('/');

        var made = (await user.PostAsync(path, new JsonObject { ["secret_name"] = "n", ["secret_value"] = "some value" })).MustBe(200);
        var id = made.Json["secret_id"]!.GetValue<string>();
        var listed = (await user.GetAsync(path)).MustBe(200);
        var got = (await user.GetAsync($"{one}/{id}")).MustBe(200);
        var patched = (await user.PatchAsync($"{one}/{id}", new JsonObject { ["secret_name"] = "m" })).MustBe(200);
        var deleted = (await user.DeleteAsync($"{one}/{id}")).MustBe(200);

        Assert.Equal(id, listed.Json["data"]![0]!["secret_id"]!.GetValue<string>());
        Assert.Equal(made.Body, got.Body);
        Assert.Equal("m", patched.Json["secret_name"]!.GetValue<string>());
        Assert.Equal("{}", deleted.Body);
        (await user.GetAsync($"{one}/{id}")).MustBe(404);
    }
}
