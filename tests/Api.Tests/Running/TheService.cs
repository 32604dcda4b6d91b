using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Running;

/// <summary>The process with the embedded database, from its first start to its end.</summary>
public sealed partial class TheService : IDisposable
{
    private const string Path = "/api/v1/secrets";
    private const string Key = "a-bootstrap-key-of-more-than-32-characters";

    private readonly string _folder = Directory.CreateTempSubdirectory("secrets-run-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Prints_its_first_key_once_and_keeps_what_it_stores()
    {
        string key;
        Guid id;
        await using (var first = Start())
        {
            await first.AddressAsync();
            key = Assert.Single(PrintedKey().Matches(first.Output)).Value;
            using var client = await first.ClientAsync(key);
            id = await client.CreateSecretAsync("kept");
            Assert.Equal(0, await first.StopAsync());
        }

        await using var second = StartHere();
        using var again = await second.ClientAsync(key);
        (await again.GetAsync($"{Path}/{id}")).MustBe(200);
        Assert.DoesNotMatch(PrintedKey(), second.Output);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(System.IO.Path.Combine(_folder, "root.key")));
    }

    [Fact]
    public async Task Creates_a_new_first_key_after_the_only_key_was_revoked()
    {
        string key;
        Guid id;
        await using (var first = StartHere())
        {
            await first.AddressAsync();
            key = Assert.Single(PrintedKey().Matches(first.Output)).Value;
            using var client = await first.ClientAsync(key);
            var only = Assert.Single((await client.GetAsync("/api/v1/api-keys")).MustBe(200).Json["data"]!.AsArray())!;
            id = only["id"]!.GetValue<Guid>();
            (await client.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(200);
            (await client.GetAsync(Path)).MustBe(401);
        }

        await using var second = StartHere();
        await second.AddressAsync();
        var next = Assert.Single(PrintedKey().Matches(second.Output)).Value;
        Assert.NotEqual(key, next);
        using var again = await second.ClientAsync(next);
        (await again.GetAsync(Path)).MustBe(200);

        // The revoked key is still known: its use is audited, like the creation of both keys.
        using var leaked = await second.ClientAsync(key);
        (await leaked.GetAsync(Path)).MustBe(401);
        var other = Assert.Single((await again.GetAsync("/api/v1/api-keys")).MustBe(200).Json["data"]!.AsArray())!["id"]!.GetValue<Guid>();
        Assert.NotEqual(id, other);
        var rows = (await again.GetAsync("/api/v1/audit")).MustBe(200).Json["data"]!.AsArray();
        Assert.Equal(
            [
                $"authenticate denied {id}  ", $"key.create success  {other} default", $"authenticate denied {id}  ",
                $"key.delete success {id} {id} default", $"key.create success  {id} default",
            ],
            rows.Select(row => $"{row!["action"]} {row["outcome"]} {row["key_id"]} {row["target_key_id"]} {row["owner"]?["id"]}"));
        Assert.True((await again.GetAsync("/api/v1/audit/verify")).MustBe(200).Json["ok"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Never_logs_paths_queries_or_values_at_any_log_level()
    {
        const string Marked = "marked-0f1e2d3c4b5a";
        await using var service = Start(
            ("Auth__BootstrapKey", Key),
            ("Serilog__MinimumLevel__Default", "Verbose"),
            ("Serilog__MinimumLevel__Override__Microsoft", "Verbose"),
            ("Serilog__MinimumLevel__Override__Microsoft.AspNetCore", "Verbose"),
            ("Serilog__MinimumLevel__Override__Microsoft.AspNetCore.Hosting.Diagnostics", "Verbose"),
            ("Serilog__MinimumLevel__Override__Microsoft.EntityFrameworkCore", "Verbose"),
            ("Serilog__MinimumLevel__Override__System", "Verbose"),
            ("Logging__LogLevel__Microsoft.AspNetCore.Hosting.Diagnostics", "Trace"),
            ("Serilog__WriteTo__Console__Args__formatter", "Serilog.Formatting.Json.JsonFormatter, Serilog"));
        using var client = await service.ClientAsync(Key);
        (await client.GetAsync($"{Path}?secret_name={Marked}")).MustBe(200);
        (await client.GetAsync($"{Path}/{Marked}")).MustBe(422);
        (await client.GetAsync($"/{Marked}")).MustBe(404);
        await client.CreateSecretAsync("name", Marked);
        Assert.Equal(0, await service.StopAsync());

        Assert.Contains("Microsoft.EntityFrameworkCore", service.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Marked, service.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("RequestPath", service.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Loses_no_acknowledged_write_when_killed()
    {
        var acknowledged = new List<string>();
        await using (var service = Start(("Auth__BootstrapKey", Key)))
        {
            using var client = await service.ClientAsync(Key);
            await client.CreateSecretAsync("before");
            var writers = Enumerable.Range(0, 8).Select(writer => WriteUntilItFailsAsync(client, writer, acknowledged)).ToList();
            while (Count(acknowledged) < 100)
            {
                await Task.Delay(10);
            }

            await service.KillAsync();
            await Task.WhenAll(writers);
        }

        await using var next = StartHere(("Auth__BootstrapKey", Key));
        using var reader = await next.ClientAsync(Key);
        var stored = (await reader.GetAsync(Path)).MustBe(200).Json["data"]!.AsArray().Select(row => row!["secret_name"]!.GetValue<string>()).ToHashSet();
        Assert.All(acknowledged, name => Assert.Contains(name, stored));
        var usage = (await reader.GetAsync("/api/v1/usage")).Json;
        Assert.Equal(stored.Count, usage["secrets"]!.GetValue<int>());

        // Secrets that were sealed before the kill still open.
        var any = (await reader.GetAsync($"{Path}?secret_name=before")).Json["data"]![0]!["secret_id"];
        (await reader.PatchAsync($"{Path}/{any}", new JsonObject { ["tool_arg"] = "opened" })).MustBe(200);
    }

    [Fact]
    public async Task Refuses_a_data_directory_in_use()
    {
        await using var first = Start();
        await first.AddressAsync();
        await using var second = StartHere();
        Assert.Equal(1, await second.ExitCodeAsync());
        Assert.Contains("Secrets cannot start", second.Output, StringComparison.Ordinal);
        Assert.Contains(_folder, second.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_an_address_in_use_and_stops_the_database()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        await using var service = Start(("ASPNETCORE_URLS", $"http://{other.LocalEndpoint}"), ("Audit__RetentionDays", "30"));

        Assert.Equal(1, await service.ExitCodeAsync());
        Assert.Single(service.Output.Split('\n'), line => line.StartsWith($"Secrets cannot start: ", StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", service.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(" FTL]", service.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(" ERR]", service.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(System.IO.Path.Combine(_folder, "pgdata", "postmaster.pid")));
    }

    [Fact]
    public async Task Does_not_start_with_a_wrong_or_missing_root_key()
    {
        var file = System.IO.Path.Combine(_folder, "root.key");
        await using (var first = StartHere(("Auth__BootstrapKey", Key)))
        {
            await first.AddressAsync();
        }

        var right = await File.ReadAllTextAsync(file);
        await File.WriteAllTextAsync(file, Convert.ToBase64String(new byte[32]));
        var wanted = await RefusedAsync("wrong one");
        Assert.Contains("fingerprint", wanted, StringComparison.Ordinal);

        File.Delete(file);
        var missing = await RefusedAsync("does not exist");
        var fingerprint = Fingerprint().Match(missing).Value;
        Assert.NotEmpty(fingerprint);
        Assert.Contains(fingerprint, wanted, StringComparison.Ordinal);
        Assert.False(File.Exists(file), "the service created a new root key for a database that needs the old one");

        await File.WriteAllTextAsync(file, "not base64!");
        await RefusedAsync("32 bytes in base64");

        await File.WriteAllTextAsync(file, right);
        await using var last = StartHere(("Auth__BootstrapKey", Key));
        using var client = await last.ClientAsync(Key);
        (await client.GetAsync(Path)).MustBe(200);

        async Task<string> RefusedAsync(string reason)
        {
            await using var service = StartHere(("Auth__BootstrapKey", Key));
            Assert.Equal(1, await service.ExitCodeAsync());
            Assert.Contains(reason, service.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(right.Trim(), service.Output, StringComparison.Ordinal);
            return service.Output;
        }
    }

    [Fact]
    public async Task Serves_again_after_the_embedded_database_was_killed()
    {
        await using var service = StartHere(("Auth__BootstrapKey", Key));
        using var client = await service.ClientAsync(Key);
        await client.CreateSecretAsync("before");

        var pid = (await File.ReadAllLinesAsync(System.IO.Path.Combine(_folder, "pgdata", "postmaster.pid")))[0];
        using (var kill = Process.Start("kill", ["-9", pid]))
        {
            await kill.WaitForExitAsync();
        }

        // Requests in the meantime get an answer with Retry-After.
        Answer answer;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        do
        {
            answer = await client.GetAsync($"{Path}?secret_name=before");
            Assert.True(answer.Status is 200 or 503, answer.ToString());
            if (answer.Status == 503)
            {
                Assert.NotNull(answer.Headers.RetryAfter);
                await Task.Delay(50, limit.Token);
            }
        }
        while (answer.Status != 200);

        Assert.Single(answer.Json["data"]!.AsArray());

        // Once the service is ready, no pooled connection is still broken.
        while ((await client.GetAsync("/health/ready")).Status == 503)
        {
            await Task.Delay(50, limit.Token);
        }

        await client.CreateSecretAsync("after");
    }

    [Theory]
    [InlineData(null, "Database:Provider")]
    [InlineData("Embedded", "Encryption:RootKeyFile")]
    [InlineData("Postgres", "ConnectionStrings:Secrets")]
    [InlineData("Oracle", "Database:Provider")]
    public async Task Does_not_start_in_production_without_configuration(string? provider, string missing)
    {
        await using var service = StartHere(("ASPNETCORE_ENVIRONMENT", "Production"), ("Database__Provider", provider));
        Assert.Equal(1, await service.ExitCodeAsync());
        Assert.Contains("Secrets cannot start", service.Output, StringComparison.Ordinal);
        Assert.Contains(missing, service.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Auth__BootstrapKey", "too short")]
    [InlineData("Quota__BytesPerOwner", "0")]
    [InlineData("Quota__BytesPerOwner", "much")]
    [InlineData("Quota__SecretsPerOwner", "0")]
    [InlineData("Audit__DenialsPerMinute", "-1")]
    [InlineData("Audit__DenialsPerMinute", "1000001")]
    [InlineData("Audit__DenialsPerMinute", "many")]
    [InlineData("Encryption__RootKey__Provider", "too short")]
    [InlineData("Encryption__RootKey__TimeoutSeconds", "1")]
    [InlineData("Encryption__PreviousRootKey__TimeoutSeconds", "soon")]
    [InlineData("Limits__SecretValueLength", "3")]
    [InlineData("Limits__SecretValueLength", "65537")]
    [InlineData("Limits__RequestsPerMinute", "-1")]
    [InlineData("Limits__FailedAuthenticationsPerMinute", "10000001")]
    [InlineData("Limits__FailuresPerCredentialPerMinute", "-1")]
    [InlineData("Limits__AnonymousPerMinute", "-1")]
    [InlineData("Limits__ConnectionsPerAddress", "-1")]
    [InlineData("Limits__ListsPerUser", "-1")]
    [InlineData("Limits__RequestSeconds", "0")]
    [InlineData("Limits__AnswerSeconds", "0")]
    [InlineData("Health__Url", "0.0.0.0:8081")]
    [InlineData("Health__Url", "http://0.0.0.0:0")]
    [InlineData("Health__Url", "https://0.0.0.0:8081")]
    [InlineData("Proxies__Known", "127.0.0.1, proxy.example")]
    [InlineData("Proxies__Known", "10.0.0.0/33")]
    [InlineData("Proxies__Known", "0.0.0.0/0")]
    [InlineData("Cors__Origins", "*")]
    [InlineData("Cors__Origins", "https://*.example")]
    [InlineData("Cors__Origins", "https://app.example/")]
    [InlineData("Cors__Origins", "app.example")]
    [InlineData("Https__HstsDays", "-1")]
    public async Task Names_the_invalid_setting(string name, string value)
    {
        await using var service = StartHere((name, value));
        Assert.Equal(1, await service.ExitCodeAsync());
        Assert.Contains(name.Replace("__", ":", StringComparison.Ordinal), service.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", service.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("too short", service.Output, StringComparison.Ordinal);
    }

    /// <summary>A key that no header can carry unchanged could never authenticate.</summary>
    [Theory]
    [InlineData("marked-key-of-more-than-32-characters\n")]
    [InlineData(" marked-key-of-more-than-32-characters")]
    [InlineData("marked-key-of-more-than-32-characters ")]
    [InlineData("marked-key-of-more-than-\t32-characters")]
    [InlineData("\uFEFFmarked-key-of-more-than-32-characters")]
    [InlineData("marked-cl\u00E9-of-more-than-32-characters")]
    [InlineData("Bearer marked-key-of-more-than-32-characters")]
    [InlineData("                                        ")]
    [InlineData("")]
    public async Task Does_not_start_with_a_key_that_no_header_can_carry(string key)
    {
        await using var service = StartHere(("Auth__BootstrapKey", key));
        Assert.Equal(1, await service.ExitCodeAsync());
        Assert.Contains("Secrets cannot start: Auth:BootstrapKey must have 32 to 4096 characters", service.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("marked", service.Output, StringComparison.Ordinal);
    }

    private ServiceProcess Start(params (string Name, string? Value)[] settings) => ServiceProcess.Start(SettingsWith(settings));

    private ServiceInProcess StartHere(params (string Name, string? Value)[] settings) => ServiceInProcess.Start(SettingsWith(settings));

    private Dictionary<string, string?> SettingsWith((string Name, string? Value)[] settings)
    {
        var all = new Dictionary<string, string?>(StringComparer.Ordinal) { ["Embedded__DataDirectory"] = _folder };
        foreach (var (name, value) in settings)
        {
            all[name] = value;
        }

        return all;
    }

    private static async Task WriteUntilItFailsAsync(ApiClient client, int writer, List<string> acknowledged)
    {
        for (var number = 0; ; number++)
        {
            var name = $"written {writer}/{number}";
            try
            {
                await client.CreateSecretAsync(name);
            }
            catch (HttpRequestException)
            {
                return;
            }

            lock (acknowledged)
            {
                acknowledged.Add(name);
            }
        }
    }

    private static int Count(List<string> acknowledged)
    {
        lock (acknowledged)
        {
            return acknowledged.Count;
        }
    }

    [GeneratedRegex("secsvc_[0-9A-Za-z]{52}")]
    private static partial Regex PrintedKey();

    [GeneratedRegex("(?<=fingerprint )[0-9a-f]{16}")]
    private static partial Regex Fingerprint();
}
