using System.Text.Json.Nodes;
using Secrets.Domain.Secrets;
using Secrets.TestKit;
using static Secrets.Api.Tests.V1.ToolCalls;

namespace Secrets.Api.Tests.V1;

public sealed class CachingOwners(ApiServer server)
{
    [Theory]
    [InlineData(501, 1)]
    [InlineData(9, 10_000)]
    public async Task An_owner_too_large_to_cache_still_resolves(int count, int size)
    {
        using var runtime = await server.NewUserAsync(Runtime);
        await server.StoreAsync(
            SecretOwner.User(runtime.UserId),
            [.. Enumerable.Range(0, count).Select(number => new NewSecret($"n{number}", $"{number}".PadRight(size, '.'), "agno__*", $"a{number}", IsDefault: true))]);
        var id = (await runtime.GetAsync($"{Answers.Secrets}?limit=1")).MustBeList().Single();

        for (var turn = 0; turn < 3; turn++)
        {
            var lines = (await runtime.AskAsync(Resolve, Call(["a0", $"a{count - 1}"], references: ("r", "n1")))).Lines();
            Assert.Equal([$"a0={"0".PadRight(size, '.')}", $"a{count - 1}={$"{count - 1}".PadRight(size, '.')}", $"r={"1".PadRight(size, '.')}"], lines);
        }

        (await runtime.PatchAsync(Answers.One(id.Id()), new JsonObject { ["secret_value"] = "a new value" })).MustBe(200);
        Assert.Equal(["r=a new value"], (await runtime.AskAsync(Resolve, Call([], references: ("r", id.Text("secret_name")!)))).Lines());
    }

    [Fact]
    public async Task Without_cache_memory_every_resolve_reads_the_database()
    {
        await using var forgetful = ApiServer.With(("Resolve:MemoryMegabytes", "0"));
        await forgetful.InitializeAsync();
        using var runtime = await forgetful.NewUserAsync(Runtime);
        var id = await runtime.CreateSecretAsync("n", "some value", "agno__*", "a", isDefault: true);
        for (var turn = 0; turn < 2; turn++)
        {
            Assert.Equal(["a=some value"], (await runtime.AskAsync(Resolve, Call())).Lines());
        }

        // The proof: with a cache, a stamp that was set back would confirm the stale entry.
        await forgetful.ExecuteSqlAsync(Sql.Of(
            "CREATE TABLE test_stamps AS SELECT kind, id, stamp FROM owners", "SELECT kind, id, stamp INTO test_stamps FROM owners"));
        (await runtime.DeleteAsync(Answers.One(id))).MustBe(200);
        await forgetful.ExecuteSqlAsync(Sql.Of(
            "UPDATE owners o SET stamp = t.stamp FROM test_stamps t WHERE t.kind = o.kind AND t.id = o.id",
            "UPDATE o SET stamp = t.stamp FROM owners o JOIN test_stamps t ON t.kind = o.kind AND t.id = o.id"));
        Assert.Equal(["a: no_default"], (await runtime.AskAsync(Resolve, Call(["a"]))).Lines());
    }
}
