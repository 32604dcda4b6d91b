using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Secrets.Api.Tests.AiHub;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>
/// A value stays in the memory of the service only during a request. SECURITY.md names the exceptions, such as buffers of TLS; these tests use HTTP.
/// </summary>
public sealed class LeavingNoCopies
{
    private const int Values = 1000;
    private const string Secrets = "/api/v1/secrets";

    /// <summary>The number of copies that may remain after a thousand values over TLS on a few connections.</summary>
    private const int MaxOfTls = 50;

    /// <summary>Connections stay open and the garbage collector does not run, so memory that was released uncleared keeps its content.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(10);

    private readonly MemoryHunt _hunt = new();
    private readonly List<(string What, MemoryFinding Finding)> _found = [];

    [Fact]
    public async Task Stored_and_resolved_values_leave_no_copy_in_memory()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using (var storing = installation.Start())
        {
            using var client = await storing.ClientAsync(Installation.Key);
            await SearchAfterAsync("storing", storing, ForEachAsync(Values, async number =>
                (await client.PostAsync(Secrets, Body(number, _hunt.TextOf(number)))).MustBe(200)));
        }

        // A second process, so that each finding belongs to storing or to resolving.
        await using var resolving = installation.Start();
        using var runtime = await resolving.ClientAsync(Installation.Key);
        await SearchAfterAsync("resolving", resolving, ForEachAsync(Values, async number =>
            Assert.Contains(_hunt.Head, (await ResolveAsync(runtime, number)).MustBe(200).Body, StringComparison.Ordinal)));
        AssertNothingFound();
    }

    [Fact]
    public async Task Values_of_any_length_leave_no_copy_whatever_the_outcome()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using var service = installation.Start(settings: [("Limits__SecretValueLength", "65536"), ("Quota__BytesPerOwner", "100000000")]);
        using var client = await service.ClientAsync(Installation.Key);
        var ids = new Guid[24];
        await SearchAfterAsync("storing, changing and resolving, of any length", service, ForEachAsync(ids.Length, async number =>
        {
            var made = (await client.PostAsync(Secrets, Body(number, _hunt.TextOf(number, Length(number))))).MustBe(200);
            ids[number] = made.Json["secret_id"]!.GetValue<Guid>();
            (await client.PatchAsync($"{Secrets}/{ids[number]}", new JsonObject { ["secret_value"] = _hunt.TextOf(number, Length(number)) })).MustBe(200);
            (await client.PatchAsync($"{Secrets}/{ids[number]}", new JsonObject { ["description"] = "The value stays." })).MustBe(200);
            (await ResolveAsync(client, number)).MustBe(200);
        }));
        await SearchAfterAsync("the same in the vault", service, ForEachAsync(ids.Length, async number =>
        {
            (await client.PostAsync(Vault.Path, Vault.Body($"alias-{number}", _hunt.TextOf(number, Length(number) / 2)))).MustBe(200);
            (await client.PatchAsync(Vault.Path, new JsonObject { ["alias"] = $"alias-{number}", ["value"] = _hunt.TextOf(number, Length(number) / 2) })).MustBe(200);
            (await client.ResolveAliasAsync($"alias-{number}", "default", workspace: null)).MustBe(200);
        }));
        using var stranger = await service.ClientAsync("nobody's-key-of-more-than-32-characters");
        await SearchAfterAsync("refused requests", service, ForEachAsync(ids.Length, async number =>
        {
            var text = _hunt.TextOf(number, Length(number));
            var json = JsonSerializer.Serialize(text)[1..^1];
            (await client.PostAsync(Secrets, Body(0, text))).MustBe(409);
            (await stranger.PostAsync(Secrets, Body(0, text))).MustBe(401);
            (await client.PostAsync(Secrets, Body(1000 + number, text + new string('x', 65_536)))).MustBe(422);
            (await client.SendAsync(HttpMethod.Post, Secrets, $$"""{"secret_value": "{{json}}", "secret_value": "{{json}}"}""")).MustBe(422);
            (await client.SendAsync(HttpMethod.Post, Secrets, $$"""{"secret_value": "{{json}}\ud83d"}""")).MustBe(422);
            (await client.PatchAsync($"{Secrets}/{Guid.NewGuid()}", new JsonObject { ["secret_value"] = text })).MustBe(404);
            (await client.SendAsync(HttpMethod.Post, Secrets, $$"""{"secret_name": "x", "secret_value": "{{json}}" """)).MustBe(422);
        }));
        await SearchAfterAsync("a rotation", service, RotateAsync(client));
        AssertNothingFound();
    }

    /// <summary>The web server drops such a body as it arrives. The connections stay open, so their last blocks of memory are not returned.</summary>
    [Fact]
    public async Task Refused_bodies_that_arrive_in_parts_leave_no_copy()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using var service = installation.Start();
        var address = await service.AddressAsync();
        var connections = Enumerable.Range(0, 24).Select(_ => new TcpClient()).ToArray();
        await SearchAfterAsync("refused bodies", service, ForEachAsync(connections.Length, async number =>
        {
            var body = Encoding.UTF8.GetBytes(_hunt.TextOf(number, Length(number)));
            await connections[number].ConnectAsync(address.Host, address.Port);
            await using var stream = new NetworkStream(connections[number].Client, ownsSocket: false);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(
                $"POST {Secrets} HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"));
            foreach (var part in body.Chunk((body.Length / 5) + 1))
            {
                await stream.WriteAsync(part);
                await Task.Delay(5);
            }

            var answer = new byte[12];
            await stream.ReadExactlyAsync(answer);
            Assert.Equal("HTTP/1.1 401", Encoding.ASCII.GetString(answer));
        }));
        Array.ForEach(connections, connection => connection.Dispose());
        AssertNothingFound();
    }

    /// <summary>The service cannot clear the buffers of the framework and of OpenSSL: a few for each connection (SECURITY.md).</summary>
    [Fact]
    public async Task Over_TLS_few_buffers_hold_values()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        using var certificate = ServerCertificate.Make();
        await using var service = installation.Start(settings:
        [
            ("ASPNETCORE_URLS", null),
            ("Kestrel__Endpoints__Https__Url", "https://127.0.0.1:0"),
            ("Kestrel__Endpoints__Https__Certificate__Path", certificate.CertificateFile),
            ("Kestrel__Endpoints__Https__Certificate__KeyPath", certificate.KeyFile),
        ]);
        using var client = certificate.Client(await service.AddressAsync(), Installation.Key);
        await SearchAfterAsync("storing", service, ForEachAsync(Values, async number =>
            (await client.PostAsync(Secrets, Body(number, _hunt.TextOf(number)))).MustBe(200)));
        await SearchAfterAsync("resolving", service, ForEachAsync(Values, async number => (await ResolveAsync(client, number)).MustBe(200)));
        AssertNone([.. _found.Where(found => !found.Finding.Form.StartsWith("UTF-8", StringComparison.Ordinal))]);
        Assert.All(_found.GroupBy(found => (found.What, found.Finding.Form)), copies => Assert.InRange(copies.Sum(found => found.Finding.Count), 0, MaxOfTls));
    }

    /// <summary>Without this test, a broken search would pass the tests above.</summary>
    [Fact]
    public async Task The_search_finds_a_value_in_memory()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using var service = installation.Start(settings: ("Auth__Jwt__Issuer", _hunt.TextOf(0)));
        using var client = await service.ClientAsync(Installation.Key);
        SkipUnlessReadable(service);

        Assert.Contains(_hunt.Find(service.Id), found => found.Form is "UTF-16 head");
        Assert.Contains(_hunt.Find(service.Id), found => found.Form is "UTF-8 tail");
    }

    private static int Length(int number) => (number % 4) switch { 0 => 10, 1 => 1_000, 2 => 9_000, _ => 60_000 };

    private static JsonObject Body(int number, string value) => new()
    {
        ["secret_name"] = $"name {number}",
        ["secret_value"] = value,
        ["tool_name"] = $"tool-{number}",
        ["tool_arg"] = "arg",
        ["is_default_for_tool"] = true,
    };

    private static Task<Answer> ResolveAsync(ApiClient client, int number) =>
        client.PostAsync($"{Secrets}/resolve", new JsonObject { ["user_id"] = ApiClient.BootstrapUser.ToString(), ["tool_name"] = $"tool-{number}" });

    private static Task ForEachAsync(int count, Func<int, Task> send) =>
        Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (number, _) => await send(number));

    private static async Task RotateAsync(ApiClient client)
    {
        (await client.PostAsync("/api/v1/encryption/rotate", new JsonObject { ["layer"] = "data_keys" })).MustBe(200);
        await Task.Delay(Settle);
    }

    private static void SkipUnlessReadable(ServiceProcess service)
    {
        var reason = MemoryHunt.WhyNot(service.Id);
        Assert.SkipWhen(reason is not null, reason ?? "");
    }

    private async Task SearchAfterAsync(string what, ServiceProcess service, Task requests)
    {
        SkipUnlessReadable(service);
        await requests;
        await Task.Delay(Settle);
        _found.AddRange(_hunt.Find(service.Id).Select(finding => (what, finding)));
    }

    private void AssertNothingFound() => AssertNone(_found);

    private static void AssertNone(IReadOnlyCollection<(string What, MemoryFinding Finding)> found) =>
        Assert.True(found.Count == 0, string.Join('\n', found.Select(one => $"After {one.What}: {one.Finding}")));
}
