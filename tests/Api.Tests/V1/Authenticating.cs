using System.Text;
using System.Text.Json.Nodes;
using Secrets.Domain.ApiKeys;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

public sealed class Authenticating(ApiServer server)
{
    private const string Path = "/api/v1/secrets";

    [Theory]
    [InlineData("x-api-key", "{0}")]
    [InlineData("token", "{0}")]
    [InlineData("Authorization", "{0}")]
    [InlineData("Authorization", "Bearer {0}")]
    [InlineData("Authorization", "bearer {0}")]
    public async Task A_key_is_taken_from_each_header(string header, string format)
    {
        using var user = await server.NewUserAsync();
        using var client = server.Anonymous();
        (await Send(client, (header, string.Format(null, format, user.Key)))).MustBe(200);
    }

    [Theory]
    [InlineData("x-api-key", "nonsense")]
    [InlineData("Authorization", "Bearer")]
    [InlineData("Authorization", "Bearer ")]
    [InlineData("Authorization", "Basic dXNlcjpwYXNzd29yZA==")]
    [InlineData("token", "eyJhbGciOiJub25lIn0.e30.")]
    public async Task Malformed_keys_are_refused(string header, string value)
    {
        using var client = server.Anonymous();
        var refused = (await Send(client, (header, value))).MustBe(401);
        Assert.Equal("""{"detail":"Not authenticated"}""", refused.Body);
        Assert.Equal("Bearer error=\"invalid_token\"", refused.Headers.WwwAuthenticate.ToString());
    }

    [Fact]
    public async Task No_credential_is_refused()
    {
        using var client = server.Anonymous();
        Assert.Equal("Bearer", (await Send(client)).MustBe(401).Headers.WwwAuthenticate.ToString());
    }

    [Theory]
    [InlineData("x-api-key")]
    [InlineData("token")]
    [InlineData("Authorization")]
    public async Task An_empty_header_is_no_credential(string header)
    {
        using var user = await server.NewUserAsync();
        using var @operator = server.Operator();
        using var client = server.Anonymous();
        foreach (var other in ((string[])["x-api-key", "token", "Authorization"]).Where(other => other != header))
        {
            (await Send(client, (header, ""), (other, user.Key!))).MustBe(200);
            (await Send(client, (header, ""), (other, "nonsense"))).MustBe(401);
            var ready = await client.SendAsync(HttpMethod.Get, "/health/ready", json: null, (header, ""), (other, @operator.Key!));
            Assert.NotNull(ready.MustBe(200).Json["integrity"]);
        }

        Assert.Equal("Bearer", (await Send(client, (header, ""))).MustBe(401).Headers.WwwAuthenticate.ToString());
        foreach (var (headers, status) in ((string, int)[])
            [
                ($"{header}: \t \r\n{header}: {user.Key}\r\n{header}:\r\n", 200),
                ($"{header}:\r\n{header}: {user.Key}\r\n{header}: {user.Key}\r\n", 401),
                ($"{header}:\r\n{header}:\r\n", 401),
            ])
        {
            Assert.Equal(status, (await SendRawAsync(headers)).Status);
        }
    }

    [Fact]
    public async Task A_key_with_a_changed_character_is_refused()
    {
        using var user = await server.NewUserAsync();
        var key = user.Key!;
        using var client = server.Anonymous();
        foreach (var at in (int[])[0, 10, 17, 30, key.Length - 1])
        {
            var changed = key[..at] + (key[at] == 'x' ? 'y' : 'x') + key[(at + 1)..];
            (await Send(client, ("x-api-key", changed))).MustBe(401);
        }
    }

    [Fact]
    public async Task The_reason_of_a_refusal_is_logged_and_not_answered()
    {
        using var user = await server.NewUserAsync("secrets:read", "keys:manage");
        var key = user.Key!;
        var swapped = key[..20] + (key[20] == 'x' ? 'y' : 'x') + key[21..];
        using var unknown = server.WithKey(ApiKeyText.Generate());
        using var mistyped = server.WithKey(swapped);
        using var manager = await server.NewKeyAsync(user.UserId, ["keys:manage"]);
        foreach (var row in (await manager.GetAsync("/api/v1/api-keys")).MustBe(200).Json["data"]!.AsArray())
        {
            if (key.StartsWith(row!["prefix"]!.GetValue<string>(), StringComparison.Ordinal))
            {
                (await manager.DeleteAsync($"/api/v1/api-keys/{row["id"]}")).MustBe(200);
            }
        }

        await RefusedAsync(unknown, "unknown key");
        await RefusedAsync(mistyped, "not the text of a key (mistyped or cut?)");
        await RefusedAsync(user, "revoked key");

        async Task RefusedAsync(ApiClient client, string why)
        {
            var known = server.Log.Lines.Count;
            Assert.Equal("""{"detail":"Not authenticated"}""", (await Send(client)).MustBe(401).Body);
            Assert.Contains(
                server.Log.Lines.Skip(known), line => line.Contains($"The credential in the header x-api-key was refused: {why} ", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("x-api-key")]
    [InlineData("token")]
    [InlineData("Authorization")]
    public async Task A_repeated_header_is_refused(string header)
    {
        using var user = await server.NewUserAsync();
        var known = server.Log.Lines.Count;

        var answer = await SendRawAsync(string.Concat(Enumerable.Repeat($"{header}: {user.Key}\r\n", 90)));

        Assert.Equal((401, """{"detail":"Not authenticated"}"""), (answer.Status, answer.Body));
        Assert.Contains("error=\"invalid_token\"", answer.Head, StringComparison.Ordinal);
        Assert.Contains(server.Log.Lines.Skip(known), line => line.Contains($"The credential in the header {header} was refused: it was sent more than once", StringComparison.Ordinal));
        Assert.Equal(200, (await SendRawAsync($"{header}: {user.Key}\r\n")).Status);
        Assert.Equal(0, await server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit WHERE actor = @id", ("id", user.UserId)));
    }

    [Fact]
    public async Task An_invalid_credential_never_falls_through_to_a_valid_one()
    {
        using var user = await server.NewUserAsync();
        using var client = server.Anonymous();
        (await Send(client, ("x-api-key", user.Key!), ("token", "nonsense"))).MustBe(401);
        (await Send(client, ("token", user.Key!), ("Authorization", "Bearer nonsense"))).MustBe(401);
    }

    [Fact]
    public async Task Several_credentials_must_name_one_principal()
    {
        using var one = await server.NewUserAsync();
        using var same = await server.NewKeyAsync(one.UserId, ["secrets:read", "secrets:write"]);
        using var other = await server.NewUserAsync();
        using var client = server.Anonymous();
        (await Send(client, ("x-api-key", one.Key!), ("Authorization", $"Bearer {same.Key}"), ("token", one.Key!))).MustBe(200);
        (await Send(client, ("x-api-key", one.Key!), ("Authorization", $"Bearer {other.Key}"))).MustBe(401);
    }

    [Fact]
    public async Task Several_credentials_act_with_their_common_scopes()
    {
        using var reader = await server.NewUserAsync("secrets:read");
        using var writer = await server.NewKeyAsync(reader.UserId, ["secrets:read", "secrets:write"]);
        using var client = server.Anonymous();
        (await Send(client, ("x-api-key", reader.Key!), ("token", writer.Key!))).MustBe(200);
        var body = """{"secret_name":"n","secret_value":"some value"}""";
        (await client.SendAsync(HttpMethod.Post, Path, body, ("x-api-key", reader.Key!), ("token", writer.Key!))).MustBe(403);
        (await client.SendAsync(HttpMethod.Post, Path, body, ("token", writer.Key!))).MustBe(200);
    }

    [Theory]
    [InlineData("GET", "")]
    [InlineData("GET", "/{id}")]
    [InlineData("POST", "")]
    [InlineData("PATCH", "/{id}")]
    [InlineData("DELETE", "/{id}")]
    public async Task Every_operation_needs_its_scope(string method, string path)
    {
        // Every scope except the one that the operation needs.
        var needed = method == "GET" ? "secrets:read" : "secrets:write";
        var others = ((string[])["secrets:read", "secrets:write", "secrets:resolve", "keys:manage", "audit:read", "operator"]).Where(scope => scope != needed);
        using var user = await server.NewUserAsync([.. others]);
        var body = method is "POST" or "PATCH" ? """{"secret_name":"n","secret_value":"some value"}""" : null;
        var answer = await user.SendAsync(new HttpMethod(method), Path + path.Replace("{id}", Guid.NewGuid().ToString(), StringComparison.Ordinal), body);
        Assert.Contains(needed, answer.MustBe(403).Json["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_bootstrap_key_is_the_first_user_and_has_every_scope()
    {
        using var @operator = server.Operator();
        var id = await @operator.CreateSecretAsync($"bootstrap {Guid.NewGuid()}");
        var secret = (await @operator.GetAsync($"{Path}/{id}")).MustBe(200);
        Assert.Equal("00000000-0000-0000-0000-000000000001", secret.Json["user_id"]!.GetValue<string>());
        (await @operator.PostAsync("/api/v1/api-keys", new JsonObject
        {
            ["name"] = "all",
            ["scopes"] = new JsonArray("secrets:read", "secrets:write", "secrets:resolve", "keys:manage", "audit:read", "operator"),
            ["organization_id"] = "default",
        })).MustBe(200);
        (await @operator.DeleteAsync($"{Path}/{id}")).MustBe(200);
    }

    private Task<RawAnswer> SendRawAsync(string headers) => RawHttp.SendAsync(
        server.Address, Encoding.ASCII.GetBytes($"GET {Path} HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n"));

    private static Task<Answer> Send(ApiClient client, params (string, string)[] headers) =>
        client.SendAsync(HttpMethod.Get, Path, json: null, headers);
}
