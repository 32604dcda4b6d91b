using Npgsql;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Running;

/// <summary>The service on a PostgreSQL server that somebody else runs.</summary>
public sealed class AgainstAServer : IAsyncLifetime
{
    private const string Path = "/api/v1/secrets";
    private const string Key = "a-bootstrap-key-of-more-than-32-characters";

    private readonly string _folder = Directory.CreateTempSubdirectory("secrets-run-").FullName;
    private PostgresServer _server = null!;
    private Dictionary<string, string?> _settings = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await PostgresServer.StartAsync();
        var rootKey = System.IO.Path.Combine(_folder, "root.key");
        await File.WriteAllTextAsync(rootKey, Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32)));
        _settings = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["Database__Provider"] = "Postgres",
            ["ConnectionStrings__Secrets"] = _server.ConnectionString($"secrets_{Guid.NewGuid():N}"),
            ["Encryption__RootKeyFile"] = rootKey,
            ["Auth__BootstrapKey"] = Key,
        };
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task It_asks_for_migrations_then_runs_twice_on_one_database()
    {
        await using (var early = ServiceProcess.Start(_settings))
        {
            Assert.Equal(1, await early.ExitCodeAsync());
            Assert.Contains("--migrate", early.Output, StringComparison.Ordinal);
        }

        await using (var migration = ServiceProcess.Start(_settings, "--migrate"))
        {
            Assert.Equal(0, await migration.ExitCodeAsync());
        }

        await using var one = ServiceProcess.Start(_settings);
        await using var other = ServiceProcess.Start(_settings);
        using var writer = await one.ClientAsync(Key);
        using var reader = await other.ClientAsync(Key);

        // They started at the same moment on an empty database and agreed on one key.
        await using (var connection = new NpgsqlConnection(_settings["ConnectionStrings__Secrets"]))
        {
            await connection.OpenAsync();
            await using var count = new NpgsqlCommand("SELECT count(*) FROM key_ring", connection);
            Assert.Equal(1L, await count.ExecuteScalarAsync());
        }

        // What one replica sealed, the other opens: they share the key ring.
        var id = await writer.CreateSecretAsync("shared");
        (await reader.SendAsync(HttpMethod.Patch, $"{Path}/{id}", """{"secret_name":"renamed"}""")).MustBe(200);
        var back = await reader.CreateSecretAsync("back");
        (await writer.SendAsync(HttpMethod.Patch, $"{Path}/{back}", """{"secret_name":"renamed back"}""")).MustBe(200);
    }

    [Fact]
    public async Task Without_its_database_it_says_so_and_stays_alive()
    {
        await using (var migration = ServiceProcess.Start(_settings, "--migrate"))
        {
            Assert.Equal(0, await migration.ExitCodeAsync());
        }

        await using var service = ServiceProcess.Start(_settings);
        using var client = await service.ClientAsync(Key);
        var id = await client.CreateSecretAsync("there");
        (await client.GetAsync("/health/ready")).MustBe(200);

        await _server.DisposeAsync();

        foreach (var answer in (Answer[])
            [
                await client.GetAsync(Path),
                await client.GetAsync($"{Path}/{id}"),
                await client.SendAsync(HttpMethod.Post, Path, """{"secret_name":"n","secret_value":"some value"}"""),
                await client.SendAsync(HttpMethod.Patch, $"{Path}/{id}", """{"secret_name":"n"}"""),
                await client.DeleteAsync($"{Path}/{id}"),
                await client.GetAsync("/health/ready"),
            ])
        {
            answer.MustBe(503);
            Assert.NotNull(answer.Json["detail"]);
            Assert.NotNull(answer.Headers.RetryAfter);
        }

        (await client.GetAsync("/health/live")).MustBe(200);
    }
}
