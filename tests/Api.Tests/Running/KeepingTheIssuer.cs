using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Secrets.Api.Tests.V1;
using Secrets.TestKit;
using Secrets.TestKit.Tokens;

namespace Secrets.Api.Tests.Running;

/// <summary>
/// A name means the same user for the life of an installation. The id comes from name and issuer, so the first use of a name stores the issuer.
/// </summary>
public sealed class KeepingTheIssuer
{
    private const string One = "https://one.example";
    private const string Two = "https://two.example";
    private const string SigningKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    private const string Named = $"{Answers.Secrets}?user=ada";

    private static readonly (string, string?)[] OfOne = [("Auth__Users__Issuer", One)];

    [Theory]
    [InlineData("urn:secrets:users")]
    [InlineData("dotnet-user-jwts", "ASPNETCORE_ENVIRONMENT", "Development")]
    [InlineData(One, "Auth__Users__Issuer", One)]
    [InlineData(One, "Auth__Jwt__SigningKey", SigningKey, "Auth__Jwt__Issuer", One)]
    [InlineData(Two, "Auth__Users__Issuer", Two, "Auth__Jwt__SigningKey", SigningKey, "Auth__Jwt__Issuer", One)]
    [InlineData(Two, "Auth__Users__Issuer", Two, "Auth__Jwt__SigningKey", SigningKey)]
    [InlineData(Two, "Auth__Users__Issuer", Two, "Auth__Jwt__Authority", "http://127.0.0.1:1", "Auth__Jwt__Audience", "a")]
    public async Task The_setting_overrides_the_issuer_of_tokens(string issuer, params string[] settings)
    {
        using var installation = await NewAsync();
        await using var service = installation.StartHere(settings: [.. settings.Chunk(2).Select(pair => (pair[0], (string?)pair[1]))]);

        Assert.Equal(Ada(issuer), await StoreAsync(service));
    }

    [Fact]
    public async Task The_authority_supplies_the_issuer()
    {
        await using var authority = await IdentityProvider.StartAsync();
        using var installation = await NewAsync();
        (string, string?)[] settings = [("Auth__Jwt__Authority", authority.Issuer), ("Auth__Jwt__Audience", IdentityProvider.Audience)];
        await using (var service = installation.StartHere(settings: settings))
        {
            Assert.Equal(Ada(authority.Issuer), await StoreAsync(service));
        }

        // The address identifies the authority before the first fetch. A trailing slash makes no difference.
        await using var again = installation.StartHere(settings: [("Auth__Jwt__Authority", $"{authority.Issuer}/"), settings[1]]);
        using var client = await again.ClientAsync(Installation.Key);
        Assert.Single((await client.GetAsync(Named)).MustBeList());
        await MustBeRefusedAsync(installation, authority.Issuer, ("Auth__Jwt__Authority", "https://another.example"), settings[1]);
    }

    [Fact]
    public async Task Names_are_503_and_ids_work_before_the_authority_is_reached()
    {
        using var installation = await NewAsync();
        await using var service = installation.StartHere(settings: [("Auth__Jwt__Authority", "http://127.0.0.1:1"), ("Auth__Jwt__Audience", "a")]);
        using var client = await service.ClientAsync(Installation.Key);

        Assert.NotNull((await client.GetAsync(Named)).MustBeError(503).Headers.RetryAfter);
        (await client.SendAsync(HttpMethod.Post, "/api/v1/secrets/resolve", """{"tool_name":"t","user":"ada"}""")).MustBeError(503);
        (await client.GetAsync($"{Answers.Secrets}?user_id={Guid.NewGuid()}")).MustBe(200);
    }

    [Theory]
    [InlineData("Auth__Users__Issuer", One)]
    [InlineData("Auth__Jwt__SigningKey", SigningKey)]
    [InlineData("Auth__Jwt__Authority", "http://127.0.0.1:1", "Auth__Jwt__Audience", "a")]
    public async Task A_name_without_the_scope_is_403_and_stores_no_issuer(params string[] settings)
    {
        using var installation = await NewAsync();
        await using (var service = installation.StartHere(settings: [.. settings.Chunk(2).Select(pair => (pair[0], (string?)pair[1]))]))
        {
            using var bootstrap = await service.ClientAsync(Installation.Key);
            var body = $$"""{"name":"n","scopes":["secrets:read","keys:manage","audit:read"],"user_id":"{{Guid.NewGuid()}}"}""";
            using var user = await service.ClientAsync((await bootstrap.SendAsync(HttpMethod.Post, "/api/v1/api-keys", body)).MustBe(200).Json.Text("key")!);

            (await user.SendAsync(HttpMethod.Post, "/api/v1/secrets/resolve/explain", """{"tool_name":"t","user":"ada"}""")).MustBeError(403);
            (await user.SendAsync(HttpMethod.Post, "/api/v1/secrets/resolve", """{"tool_name":"t","user":"ada"}""")).MustBeError(403);
            (await user.SendAsync(HttpMethod.Post, "/api/v1/api-keys", """{"name":"n","scopes":["secrets:read"],"user":"ada"}""")).MustBeError(403);
            (await user.GetAsync(Named)).MustBeError(403);

            var denied = (await user.GetAsync("/api/v1/audit?outcome=denied")).MustBe(200).Json["data"]!.AsArray().Select(row => row!.Text("action"));
            Assert.Equal(["secret.list", "key.create", "secret.resolve", "secret.explain"], denied);
        }

        await using var other = installation.StartHere(settings: ("Auth__Users__Issuer", Two));
        Assert.Equal(Ada(Two), await StoreAsync(other));
    }

    [Fact]
    public async Task A_developer_token_belongs_to_the_user_named_before()
    {
        using var installation = await NewAsync();
        var development = ("ASPNETCORE_ENVIRONMENT", (string?)"Development");
        await using (var service = installation.StartHere(settings: development))
        {
            await StoreAsync(service);
        }

        // The settings that `dotnet user-jwts create` writes.
        const string Tool = "Authentication__Schemes__Bearer";
        await using var again = installation.StartHere(
            settings: [development, ($"{Tool}__ValidAudiences__0", "a"), ($"{Tool}__SigningKeys__0__Issuer", "dotnet-user-jwts"), ($"{Tool}__SigningKeys__0__Value", SigningKey)]);
        var claims = new JsonObject { ["iss"] = "dotnet-user-jwts", ["sub"] = "ada", ["aud"] = "a", ["exp"] = IdentityProvider.In(TimeSpan.FromMinutes(5)) };
        using var ada = new ApiClient(new HttpClient { BaseAddress = await again.AddressAsync() });
        var token = Token.Sign(TestKey.Shared(Convert.FromBase64String(SigningKey)), claims);
        Assert.Single((await ada.SendAsync(HttpMethod.Get, Answers.Secrets, json: null, ("token", token))).MustBeList());
    }

    [Fact]
    public async Task Names_are_refused_when_any_issuer_is_accepted()
    {
        using var installation = await NewAsync();
        await using var service = installation.StartHere(settings: [("Auth__Jwt__SigningKey", SigningKey)]);
        using var client = await service.ClientAsync(Installation.Key);

        (await client.GetAsync(Named)).MustBeInvalid("query.user: value_error");
        (await client.SendAsync(HttpMethod.Post, Named, """{"secret_name":"n","secret_value":"a value"}""")).MustBeInvalid("query.user: value_error");
        (await client.SendAsync(HttpMethod.Post, "/api/v1/secrets/resolve", """{"tool_name":"t","user":"ada"}""")).MustBeInvalid("body.user: value_error");
        (await client.SendAsync(HttpMethod.Post, "/api/v1/api-keys", """{"name":"n","scopes":["secrets:read"],"user":"ada"}""")).MustBeInvalid("body.user: value_error");
    }

    [Fact]
    public async Task Another_issuer_stops_the_start_and_the_stored_one_can_be_set()
    {
        using var installation = await NewAsync();
        await using (var service = installation.StartHere())
        {
            await StoreAsync(service);
        }

        var tokens = ("Auth__Jwt__SigningKey", SigningKey);
        await MustBeRefusedAsync(installation, "urn:secrets:users", OfOne);
        await MustBeRefusedAsync(installation, "urn:secrets:users", tokens, ("Auth__Jwt__Issuer", One));

        await using var settled = installation.StartHere(settings: [("Auth__Users__Issuer", "urn:secrets:users"), tokens, ("Auth__Jwt__Issuer", One)]);
        using var client = await settled.ClientAsync(Installation.Key);
        Assert.Single((await client.GetAsync(Named)).MustBeList());
    }

    [Fact]
    public async Task Before_the_first_name_the_issuer_may_change()
    {
        using var installation = await NewAsync();
        await using (var service = installation.StartHere(settings: OfOne))
        {
            using var client = await service.ClientAsync(Installation.Key);
            (await client.GetAsync($"{Answers.Secrets}?user_id={Guid.NewGuid()}")).MustBe(200);
        }

        await using var other = installation.StartHere(settings: ("Auth__Users__Issuer", Two));
        Assert.Equal(Ada(Two), await StoreAsync(other));
    }

    [Fact]
    public async Task A_command_changes_the_issuer_and_ids_still_reach_old_secrets()
    {
        using var installation = await NewAsync();
        Guid before;
        await using (var service = installation.StartHere(settings: OfOne))
        {
            before = await StoreAsync(service);
        }

        foreach (var unclean in (string[])[" ", $"\uFEFF{Two}", $"{Two}\n"])
        {
            await using var refused = installation.RunHere("users", "set-issuer", unclean, "--yes");
            Assert.Equal(1, await refused.ExitCodeAsync());
            Assert.Contains("must not be blank", refused.Output, StringComparison.Ordinal);
        }

        await using (var command = installation.RunHere("users", "set-issuer", Two, "--yes"))
        {
            Assert.True(await command.ExitCodeAsync() == 0, command.Output);
        }

        await MustBeRefusedAsync(installation, Two, OfOne);
        await using var moved = installation.StartHere(settings: ("Auth__Users__Issuer", Two));
        Assert.Equal(Ada(Two), await StoreAsync(moved));
        using var client = await moved.ClientAsync(Installation.Key);
        Assert.Single((await client.GetAsync($"{Answers.Secrets}?user_id={before}")).MustBeList());
        Assert.True((await client.GetAsync("/api/v1/audit/verify")).MustBe(200).Json["ok"]!.GetValue<bool>());
    }

    [Fact]
    public async Task A_replica_with_another_issuer_resolves_no_name()
    {
        using var installation = await NewAsync();
        await using var one = installation.StartHere(settings: OfOne);
        await using var two = installation.StartHere(settings: ("Auth__Users__Issuer", Two));
        using var client = await two.ClientAsync(Installation.Key);
        await StoreAsync(one);

        (await client.GetAsync(Named)).MustBeError(503);
        (await client.SendAsync(HttpMethod.Post, Named, """{"secret_name":"n","secret_value":"a value"}""")).MustBeError(503);
        Assert.Contains($"belong to the issuer {One}, but this replica's settings name {Two}", two.Output, StringComparison.Ordinal);
        (await client.GetAsync($"{Answers.Secrets}?user_id={Ada(One)}")).MustBe(200);
    }

    [Fact]
    public async Task A_running_replica_follows_the_command_and_the_audit_has_one_row()
    {
        using var installation = await NewAsync();
        await using var one = installation.StartHere(settings: OfOne);
        using var client = await one.ClientAsync(Installation.Key);
        var before = await StoreAsync(one);
        foreach (var answer in (string[])["mapped to ids with", "Nothing was changed"])
        {
            await using var command = installation.RunHere("users", "set-issuer", Two, "--yes");
            Assert.Equal(0, await command.ExitCodeAsync());
            Assert.Contains(answer, command.Output, StringComparison.Ordinal);
        }

        // The replica reads the stored issuer every minute, and for readiness at most once a second.
        for (var at = 0; at < 100 && (await client.GetAsync(Named)).Status == 200; at++)
        {
            await Task.Delay(TimeSpan.FromSeconds(0.1));
            await client.GetAsync("/health/ready");
        }

        (await client.GetAsync(Named)).MustBeError(503);
        (await client.GetAsync(Named)).MustBeError(503);
        Assert.Single(one.Output.Split('\n'), line => line.Contains($"belong to the issuer {Two}", StringComparison.Ordinal));
        Assert.Single((await client.GetAsync($"{Answers.Secrets}?user_id={before}")).MustBeList());
        var row = Assert.Single((await client.GetAsync("/api/v1/audit?action=users.set_issuer")).MustBe(200).Json["data"]!.AsArray());
        Assert.Equal("success", row!.Text("outcome"));
    }

    [Fact]
    public async Task Two_replicas_agree_on_concurrent_first_names()
    {
        using var installation = await NewAsync();
        await using var one = installation.StartHere(settings: OfOne);
        await using var two = installation.StartHere(settings: OfOne);
        using var first = await one.ClientAsync(Installation.Key);
        using var second = await two.ClientAsync(Installation.Key);

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(at => (at % 2 == 0 ? first : second).GetAsync($"{Answers.Secrets}?user=ada{at}")));

        Assert.All(answers, answer => answer.MustBe(200));
    }

    [Theory]
    [InlineData(" https://one.example")]
    [InlineData("https://one.example\n")]
    [InlineData(" ")]
    public async Task An_impossible_issuer_stops_the_start(string issuer)
    {
        using var installation = await NewAsync();
        await using var service = installation.StartHere(settings: ("Auth__Users__Issuer", issuer));

        Assert.Equal(1, await service.ExitCodeAsync());
        Assert.Contains("Auth:Users:Issuer must not be blank", service.Output, StringComparison.Ordinal);
    }

    private static async Task<Installation> NewAsync()
    {
        var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        return installation;
    }

    /// <summary>Stores a secret for ada and returns her id.</summary>
    private static async Task<Guid> StoreAsync(RunningService service)
    {
        using var client = await service.ClientAsync(Installation.Key);
        return (await client.SendAsync(HttpMethod.Post, Named, """{"secret_name":"n","secret_value":"a value"}""")).MustBeSecret()["user_id"]!.GetValue<Guid>();
    }

    private static async Task MustBeRefusedAsync(Installation installation, string kept, params (string Name, string? Value)[] settings)
    {
        await using var service = installation.StartHere(settings: settings);
        Assert.Equal(1, await service.ExitCodeAsync());
        Assert.Contains($"belong to the issuer '{kept}'", service.Output, StringComparison.Ordinal);
        Assert.Contains($"Set Auth:Users:Issuer (environment: Auth__Users__Issuer) to '{kept}'", service.Output, StringComparison.Ordinal);
    }

    /// <summary>Two UUIDs of version 5 (RFC 9562): the issuer in the URL namespace, then the name in the namespace of the issuer.</summary>
    private static Guid Ada(string issuer) => Name(Name(Guid.Parse("6ba7b811-9dad-11d1-80b4-00c04fd430c8"), issuer), "ada");

    private static Guid Name(Guid space, string name)
    {
#pragma warning disable CA5350 // SHA-1 derives an id here and protects nothing.
        var hash = SHA1.HashData([.. space.ToByteArray(bigEndian: true), .. Encoding.UTF8.GetBytes(name)])[..16];
#pragma warning restore CA5350
        (hash[6], hash[8]) = ((byte)((hash[6] & 0x0F) | 0x50), (byte)((hash[8] & 0x3F) | 0x80));
        return new Guid(hash, bigEndian: true);
    }
}
