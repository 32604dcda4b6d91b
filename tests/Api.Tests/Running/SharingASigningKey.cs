using System.Text.Json.Nodes;
using System.Xml.Linq;
using Secrets.TestKit;
using Secrets.TestKit.Tokens;

namespace Secrets.Api.Tests.Running;

/// <summary>JWTs with a signing key that issuer and service share: from the settings, or from dotnet user-jwts.</summary>
public sealed class SharingASigningKey : IDisposable
{
    private const string Path = "/api/v1/secrets";
    private const string Authority = "https://issuer.example";
    private const string Settings = "appsettings.Development.json";

    private static readonly byte[] Secret = [.. Enumerable.Range(0, 32).Select(at => (byte)at)];
    private static readonly TestKey Key = TestKey.Shared(Secret);

    private readonly string _home = Directory.CreateTempSubdirectory("secrets-home-").FullName;

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Fact]
    public async Task Tokens_need_the_shared_key_and_HS256()
    {
        await using var server = await StartAsync();
        (await AskAsync(server, Token.Sign(Key, Claims()))).MustBe(200);
        (await AskAsync(server, Token.Sign(Key, Claims(), header: new JsonObject { ["kid"] = null }))).MustBe(200);
        (await AskAsync(server, Token.Sign(Key, With("iss", "anybody")))).MustBe(200);
        (await AskAsync(server, Token.Sign(Key, With("aud", "anything")))).MustBe(200);
        (await AskAsync(server, Token.Sign(Key, With("exp", null)))).MustBe(401);
        (await AskAsync(server, Token.Sign(TestKey.For("HS256"), Claims()))).MustBe(401);
        (await AskAsync(server, Token.Sign(TestKey.For("RS256"), Claims()))).MustBe(401);
        (await AskAsync(server, Token.Sign(TestKey.For("ES256"), Claims()))).MustBe(401);
        (await AskAsync(server, $"{Token.Encode("""{"alg":"none"}""")}.{Token.Encode(Claims().ToJsonString())}.")).MustBe(401);
    }

    [Fact]
    public async Task Issuer_and_audience_are_checked_when_they_are_configured()
    {
        await using var server = await StartAsync(("Auth:Jwt:Issuer", "me"), ("Auth:Jwt:Audience", "it"));
        var right = With("iss", "me");
        right["aud"] = new JsonArray("other", "it");
        (await AskAsync(server, Token.Sign(Key, right))).MustBe(200);
        (await AskAsync(server, Token.Sign(Key, With("iss", "me")))).MustBe(401);
        (await AskAsync(server, Token.Sign(Key, With("aud", "it")))).MustBe(401);
    }

    [Fact]
    public async Task Without_any_setting_no_token_is_accepted()
    {
        await using var server = ApiServer.With(("Auth:Jwt:Authority", null), ("Auth:Jwt:Audience", null));
        await server.InitializeAsync();
        (await AskAsync(server, Token.Sign(Key, Claims()))).MustBe(401);
        Assert.Contains(server.Log.Lines, line => line.Contains("neither Auth:Jwt:Authority nor Auth:Jwt:SigningKey is set", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("exclude each other", "Authority", Authority, "Audience", "a", "SigningKey", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")]
    [InlineData("Auth:Jwt:Audience is required", "Authority", Authority)]
    [InlineData("must be an https URL", "Authority", "http://issuer.example", "Audience", "a")]
    [InlineData("must be an https URL", "Authority", "issuer.example", "Audience", "a")]
    [InlineData("must be an https URL", "Authority", "https://user:word@issuer.example", "Audience", "a")]
    [InlineData("must be an https URL", "Authority", "file:///etc", "Audience", "a")]
    [InlineData("at least 32 bytes in base64", "SigningKey", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==")]
    [InlineData("at least 32 bytes in base64", "SigningKey", "not base64, but more than thirty-two characters long")]
    [InlineData("AllowedScopes names a scope that does not exist", "AllowedScopes", "secrets:read,secrets:write")]
    [InlineData("must be from 1 to", "RefreshSeconds", "0")]
    [InlineData("must name a claim", "OrganizationsClaim", " ")]
    [InlineData("Auth:Jwt:OrganizationsClaim must not be blank", "OrganizationsClaim", "organizations\n")]
    [InlineData("Auth:Jwt:Audience must not be blank", "SigningKey", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "Audience", "marked\n")]
    [InlineData("Auth:Jwt:Audience must not be blank", "SigningKey", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "Audience", "\uFEFFmarked")]
    [InlineData("Auth:Jwt:Audience must not be blank", "SigningKey", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "Audience", "  ")]
    [InlineData("Auth:Jwt:Issuer must not be blank", "SigningKey", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "Issuer", "https://marked.example ")]
    [InlineData("Auth:Jwt:Authority must not be blank", "Authority", "https://marked.example\n", "Audience", "a")]
    [InlineData("Auth:Jwt:Audience needs Auth:Jwt:Authority or Auth:Jwt:SigningKey", "Audience", "marked")]
    [InlineData("Auth:Jwt:SigningKey must not be blank", "SigningKey", " ")]
    [InlineData("Auth:Jwt:AllowedScopes must not be blank", "AllowedScopes", " ")]
    public async Task Invalid_settings_stop_the_start_and_are_named(string words, params string[] settings)
    {
        var all = new Dictionary<string, string?> { ["Embedded__DataDirectory"] = System.IO.Path.Combine(_home, "data") };
        foreach (var pair in settings.Chunk(2))
        {
            all[$"Auth__Jwt__{pair[0]}"] = pair[1];
        }

        await using var service = ServiceInProcess.Start(all);

        Assert.Equal(1, await service.ExitCodeAsync());
        Assert.Contains("Secrets cannot start: Auth:Jwt:", service.Output, StringComparison.Ordinal);
        Assert.Contains(words, service.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", service.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("AAECAwQ", service.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("marked", service.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_of_dotnet_user_jwts_is_accepted_in_development_only()
    {
        var token = await UserJwtAsync("--name", "ana", "--scope", "secrets:read", "--scope", "audit:read");
        var settings = new Dictionary<string, string?>
        {
            ["HOME"] = _home,
            ["Embedded__DataDirectory"] = System.IO.Path.Combine(_home, "data"),
            ["Auth__BootstrapKey"] = ApiServer.BootstrapKey,
        };
        await using (var service = ServiceProcess.Start(settings))
        {
            using var client = await ClientAsync(service, token);
            (await client.GetAsync(Path)).MustBe(200);
            (await client.GetAsync("/api/v1/audit")).MustBe(200);
            (await client.DeleteAsync($"{Path}/{Guid.NewGuid()}")).MustBe(403);
            using var elsewhere = await ClientAsync(service, await UserJwtAsync("--audience", "http://127.0.0.1:5081"));
            (await elsewhere.GetAsync(Path)).MustBe(401);
        }

        settings["ASPNETCORE_ENVIRONMENT"] = "Staging";
        await using var staging = ServiceProcess.Start(settings);
        using var refused = await ClientAsync(staging, token);
        (await refused.GetAsync(Path)).MustBe(401);
    }

    private static JsonObject Claims() => new() { ["sub"] = "ana", ["exp"] = IdentityProvider.In(TimeSpan.FromMinutes(5)) };

    private static JsonObject With(string name, JsonNode? value)
    {
        var claims = Claims();
        claims.Remove(name);
        if (value is not null)
        {
            claims[name] = value;
        }

        return claims;
    }

    private static async Task<ApiServer> StartAsync(params (string, string?)[] settings)
    {
        var server = ApiServer.With(
            [("Auth:Jwt:Authority", null), ("Auth:Jwt:Audience", null), ("Auth:Jwt:SigningKey", Convert.ToBase64String(Secret)), .. settings]);
        await server.InitializeAsync();
        return server;
    }

    private static async Task<Answer> AskAsync(ApiServer server, string token)
    {
        using var client = server.WithToken(token);
        return await client.GetAsync(Path);
    }

    private static async Task<ApiClient> ClientAsync(ServiceProcess service, string token)
    {
        var http = new HttpClient { BaseAddress = await service.AddressAsync() };
        http.DefaultRequestHeaders.Add("Authorization", $"Bearer {token}");
        return new ApiClient(http);
    }

    /// <summary>
    /// Makes a token with dotnet user-jwts, as docs/integrate.md shows. A scratch project replaces the service's project, because the tool writes
    /// to the project's settings and keeps its keys in the home directory under the id of the project's user secrets.
    /// </summary>
    private async Task<string> UserJwtAsync(params string[] arguments)
    {
        var service = System.IO.Path.Combine(Repository.Root, "src", "Api");
        var id = XDocument.Load(System.IO.Path.Combine(service, "Api.csproj")).Descendants("UserSecretsId").Single().Value;
        var project = Directory.CreateDirectory(System.IO.Path.Combine(_home, "project")).FullName;
        await File.WriteAllTextAsync(
            System.IO.Path.Combine(project, "Api.csproj"),
            $"<Project Sdk=\"Microsoft.NET.Sdk.Web\"><PropertyGroup><TargetFramework>net10.0</TargetFramework><UserSecretsId>{id}</UserSecretsId></PropertyGroup></Project>");
        File.Copy(System.IO.Path.Combine(service, Settings), System.IO.Path.Combine(project, Settings), overwrite: true);
        var output = await Tools.RunAsync(
            project,
            "dotnet",
            ["user-jwts", "create", "--project", project, "--output", "token", .. (string[])(arguments.Contains("--audience") ? [] : ["--audience", "http://127.0.0.1:5080"]), .. arguments],
            ("HOME", _home),
            ("DOTNET_CLI_HOME", _home));
        var token = output.Split('\n', StringSplitOptions.TrimEntries).FirstOrDefault(line => line.StartsWith("ey", StringComparison.Ordinal));
        return token ?? throw new InvalidOperationException($"dotnet user-jwts printed no token: {output}");
    }
}
