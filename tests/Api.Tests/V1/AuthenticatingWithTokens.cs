using System.Text;
using System.Text.Json.Nodes;
using Secrets.TestKit;
using Secrets.TestKit.Tokens;

namespace Secrets.Api.Tests.V1;

/// <summary>JWTs of an authority that the test runs. Service and authority communicate over HTTP.</summary>
public sealed class AuthenticatingWithTokens(AuthenticatingWithTokens.OwnServer own) : IClassFixture<AuthenticatingWithTokens.OwnServer>
{
    private const string Path = "/api/v1/secrets";

    private static readonly TestKey Rsa = TestKey.For("RS256");
    private static readonly TestKey Stranger = TestKey.For("ES256");

    // An attacker knows the public key and may use it as a shared secret. No such token is accepted.
    private static readonly TestKey PublicKeyAsSecret = TestKey.Shared(Rsa.PublicPem());

    private static readonly JsonObject None = [];

    /// <summary>Tokens with exactly one fault, and the logged reason of the refusal.</summary>
    private static readonly Dictionary<string, (string Why, Func<IdentityProvider, string> Make)> Forgeries = new()
    {
        ["alg none"] = ("is not signed (alg none)", issuer => $"{Token.Encode("""{"alg":"none","typ":"JWT"}""")}.{Payload(issuer)}."),
        ["alg None"] = ("is not signed (alg none)", issuer => $"{Token.Encode("""{"alg":"NoNe"}""")}.{Payload(issuer)}."),
        ["alg none with a signature"] = ("is not signed (alg none)", issuer => Signed(issuer, header: new() { ["alg"] = "none" })),
        ["no signature"] = ("is not signed (no signature)", issuer => Signed(issuer)[..(Signed(issuer).LastIndexOf('.') + 1)]),
        ["no alg"] = ("names no algorithm", issuer => Signed(issuer, header: new() { ["alg"] = null })),
        ["alg a number"] = ("has a malformed alg", issuer => Signed(issuer, header: new() { ["alg"] = 256 })),
        ["alg lower case"] = ("uses an unsupported algorithm", issuer => Signed(issuer, header: new() { ["alg"] = "es256" })),
        ["alg EdDSA"] = ("uses an unsupported algorithm", issuer => Signed(issuer, header: new() { ["alg"] = "EdDSA" })),
        ["alg HS512"] = ("uses an unsupported algorithm", issuer => Signed(issuer, header: new() { ["alg"] = "HS512" })),
        ["HS256 with the RSA public key as secret"] = ("uses an algorithm that does not fit the key", issuer => Token.Sign(PublicKeyAsSecret, issuer.Claims("mallory"), header: new() { ["kid"] = Rsa.Id })),
        ["HS256 with the RSA public key as secret, no kid"] = ("uses an algorithm that does not fit the key", issuer => Token.Sign(PublicKeyAsSecret, issuer.Claims("mallory"), header: new() { ["kid"] = null })),
        ["RS256 by an EC key"] = ("uses an algorithm that does not fit the key", issuer => Token.Sign(Rsa, issuer.Claims("mallory"), header: new() { ["kid"] = issuer.Key.Id })),
        ["another key under the right id"] = ("has a wrong signature", issuer => Token.Sign(Stranger, issuer.Claims("mallory"), header: new() { ["kid"] = issuer.Key.Id })),
        ["another key under no id"] = ("has a wrong signature", issuer => Token.Sign(Stranger, issuer.Claims("mallory"), header: new() { ["kid"] = null })),
        ["another key under its own id"] = ("is signed with an unknown key", issuer => Token.Sign(Stranger, issuer.Claims("mallory"))),
        ["kid a path"] = ("is signed with an unknown key", issuer => Token.Sign(Stranger, issuer.Claims("mallory"), header: new() { ["kid"] = "../../dev/null" })),
        ["kid a number"] = ("has a malformed kid", issuer => Signed(issuer, header: new() { ["kid"] = 1 })),
        ["jwk"] = ("carries its own key (jwk)", issuer => Token.Sign(Stranger, issuer.Claims("mallory"), header: new() { ["jwk"] = Stranger.PublicJwk() })),
        ["jku"] = ("carries its own key (jku)", issuer => Token.Sign(Stranger, issuer.Claims("mallory"), header: new() { ["jku"] = $"{issuer.Issuer}/stolen" })),
        ["x5u"] = ("carries its own key (x5u)", issuer => Token.Sign(Stranger, issuer.Claims("mallory"), header: new() { ["x5u"] = $"{issuer.Issuer}/stolen" })),
        ["x5c"] = ("carries its own key (x5c)", issuer => Signed(issuer, header: new() { ["x5c"] = new JsonArray("MIIB") })),
        ["crit"] = ("uses an unsupported critical extension (crit)", issuer => Signed(issuer, header: new() { ["crit"] = new JsonArray("exp") })),
        ["typ logout+jwt"] = ("has an unsupported type (typ)", issuer => Signed(issuer, header: new() { ["typ"] = "logout+jwt" })),
        ["wrong issuer"] = ("has another issuer", issuer => Signed(issuer, new() { ["iss"] = "https://elsewhere.example" })),
        ["issuer with a slash more"] = ("has another issuer", issuer => Signed(issuer, new() { ["iss"] = issuer.Issuer + "/" })),
        ["no issuer"] = ("has another issuer", issuer => Signed(issuer, new() { ["iss"] = null })),
        ["issuer a list"] = ("has a malformed iss", issuer => Signed(issuer, new() { ["iss"] = new JsonArray(issuer.Issuer) })),
        ["wrong audience"] = ("is for another audience", issuer => Signed(issuer, new() { ["aud"] = "another-service" })),
        ["audience in capitals"] = ("is for another audience", issuer => Signed(issuer, new() { ["aud"] = IdentityProvider.Audience.ToUpperInvariant() })),
        ["no audience"] = ("is for another audience", issuer => Signed(issuer, new() { ["aud"] = null })),
        ["audience a number"] = ("has a malformed aud", issuer => Signed(issuer, new() { ["aud"] = new JsonArray(IdentityProvider.Audience, 7) })),
        ["expired"] = ("is expired", issuer => Signed(issuer, new() { ["exp"] = IdentityProvider.In(TimeSpan.FromMinutes(-2)) })),
        ["expired just now"] = ("is expired", issuer => Signed(issuer, new() { ["exp"] = IdentityProvider.In(TimeSpan.FromSeconds(-60)) })),
        ["no expiry"] = ("has no expiry (exp)", issuer => Signed(issuer, new() { ["exp"] = null })),
        ["expiry a text"] = ("has a malformed exp", issuer => Signed(issuer, new() { ["exp"] = "4102444800" })),
        ["expiry beyond all time"] = ("has a malformed exp", issuer => Signed(issuer, new() { ["exp"] = 1e300 })),
        ["future (nbf)"] = ("is not valid yet", issuer => Signed(issuer, new() { ["nbf"] = IdentityProvider.In(TimeSpan.FromMinutes(2)) })),
        ["future (iat)"] = ("is not valid yet", issuer => Signed(issuer, new() { ["iat"] = IdentityProvider.In(TimeSpan.FromMinutes(2)) })),
        ["nbf null"] = ("has a malformed nbf", issuer => Raw(issuer, "\"nbf\":null")),
        ["no subject"] = ("has no subject (sub)", issuer => Signed(issuer, new() { ["sub"] = null })),
        ["subject empty"] = ("has a malformed sub", issuer => Signed(issuer, new() { ["sub"] = "" })),
        ["subject blank"] = ("has a malformed sub", issuer => Signed(issuer, new() { ["sub"] = "  " })),
        ["subject long"] = ("has a malformed sub", issuer => Signed(issuer, new() { ["sub"] = new string('s', 256) })),
        ["subject with U+0000"] = ("has a malformed sub", issuer => Signed(issuer, new() { ["sub"] = "a\0" })),
        ["subject half a character"] = ("has a malformed sub", issuer => Raw(issuer, "\"sub\":\"\\ud800\"")),
        ["scope an object"] = ("has a malformed scope", issuer => Signed(issuer, new() { ["scope"] = new JsonObject() })),
        ["scp numbers"] = ("has a malformed scp", issuer => Signed(issuer, new() { ["scp"] = new JsonArray(1) })),
        ["organisations a text"] = ("has malformed organisations, or more than 100", issuer => Organizations(issuer, "\"acme\"")),
        ["organisations null"] = ("has malformed organisations, or more than 100", issuer => Organizations(issuer, "null")),
        ["organisations of texts"] = ("has malformed organisations", issuer => Organizations(issuer, """["acme"]""")),
        ["organisation without id"] = ("has malformed organisations", issuer => Organizations(issuer, """[{"role":"admin"}]""")),
        ["organisation's id empty"] = ("has a malformed organisation's id", issuer => Organizations(issuer, """[{"id":""}]""")),
        ["organisation's id long"] = ("has a malformed organisation's id", issuer => Organizations(issuer, $$"""[{"id":"{{new string('o', 256)}}"}]""")),
        ["organisation's role unknown"] = ("has an unknown role", issuer => Organizations(issuer, """[{"id":"acme","role":"king"}]""")),
        ["organisation's role in capitals"] = ("has an unknown role", issuer => Organizations(issuer, """[{"id":"acme","role":"Admin"}]""")),
        ["organisation twice"] = ("names one organisation twice", issuer => Organizations(issuer, """[{"id":"acme","role":"admin"},{"id":"acme"}]""")),
        ["organisations many"] = ("has malformed organisations, or more than 100", issuer => Organizations(issuer, $"[{string.Join(',', Enumerable.Range(0, 101).Select(at => $$"""{"id":"{{at}}"}"""))}]")),
        ["workspaces a text"] = ("has malformed workspaces, or more than 100", issuer => Organizations(issuer, """[{"id":"acme","workspaces":"support"}]""")),
        ["workspace blank"] = ("has a malformed workspace", issuer => Organizations(issuer, """[{"id":"acme","workspaces":[" "]}]""")),
        ["five parts"] = ("is encrypted (five parts)", issuer => $"{Signed(issuer)}.AA.AA"),
        ["two parts"] = ("does not have three parts", issuer => Signed(issuer)[..Signed(issuer).LastIndexOf('.')]),
        ["four parts"] = ("does not have three parts", issuer => $"{Signed(issuer)}."),
        ["huge"] = ("has more than 8192 characters", issuer => Signed(issuer, new() { ["more"] = new string('a', 8192) })),
        ["many dots"] = ("does not have three parts", _ => "ey" + new string('.', 8000)),
        ["cut in the signature"] = ("has a wrong signature", issuer => Signed(issuer)[..^2]),
        ["cut in the payload"] = ("is malformed: the payload is not a JSON object, or repeats a member", issuer => Cut(Signed(issuer))),
        ["padding"] = ("is malformed: the signature is not base64url", issuer => $"{Signed(issuer)}=="),
        ["space within"] = ("is malformed: the payload is not base64url", issuer => Signed(issuer).Insert(Signed(issuer).IndexOf('.', StringComparison.Ordinal) + 5, " ")),
        ["base64 and not base64url"] = ("is malformed: the payload is not base64url", issuer => $"{Token.Encode("""{"alg":"ES256"}""")}.{Payload(issuer)[..^2]}+/.AAAA"),
        ["not canonical"] = ("is malformed: the signature is not base64url", issuer => Signed(issuer)[..^1] + "B"),
        ["header cut"] = ("is malformed: the header is not a JSON object, or repeats a member", issuer => $"{Token.Encode("{ \"alg\":")}.{Payload(issuer)}.AAAA"),
        ["payload a list"] = ("is malformed: the payload is not a JSON object, or repeats a member", issuer => Token.Sign(issuer.Key, Header(issuer), "[]")),
        ["payload not UTF-8"] = ("is malformed: the payload is not a JSON object, or repeats a member", issuer => $"{Token.Encode(Header(issuer))}.eyJhIjoi_yJ9.AAAA"),
        ["alg twice"] = ("is malformed: the header is not a JSON object, or repeats a member", issuer => Token.Sign(issuer.Key, """{"alg":"none","alg":"ES256"}""", issuer.Claims("mallory").ToJsonString())),
        ["sub twice"] = ("is malformed: the payload is not a JSON object, or repeats a member", issuer => Token.Sign(issuer.Key, Header(issuer), issuer.Claims("mallory").ToJsonString().Insert(1, "\"sub\":\"ana\","))),
        ["sub twice, once escaped"] = ("is malformed: the payload is not a JSON object, or repeats a member", issuer => Token.Sign(issuer.Key, Header(issuer), issuer.Claims("mallory").ToJsonString().Insert(1, "\"\\u0073ub\":\"ana\","))),
        ["deep"] = ("is malformed: the payload is not a JSON object, or repeats a member", issuer => Raw(issuer, $"\"more\":{new string('[', 20)}{new string(']', 20)}")),
    };

    private readonly ApiServer _server = own.Server;

    public static TheoryData<string> ForgeryNames => [.. Forgeries.Keys];

    [Theory]
    [MemberData(nameof(ForgeryNames))]
    public async Task A_forged_token_is_refused_with_one_reason_in_the_log_and_none_in_the_body(string name)
    {
        var (why, make) = Forgeries[name];
        var token = make(_server.Issuer);
        using var client = _server.Anonymous();
        var (logged, denials) = (_server.Log.Lines.Count, await DenialsAsync());

        var refused = (await Send(client, ("Authorization", $"Bearer {token}"))).MustBe(401);

        Assert.Equal("""{"detail":"Not authenticated"}""", refused.Body);
        Assert.Equal("Bearer error=\"invalid_token\"", refused.Headers.WwwAuthenticate.ToString());
        var line = Assert.Single(_server.Log.Lines.Skip(logged), line => line.Contains($"JWT {why}", StringComparison.Ordinal));
        Assert.Contains($"The credential in the header Authorization was refused: JWT {why} ", line, StringComparison.Ordinal);
        string[] telling = ["mallory", .. token.Split('.').Where(part => part.Length > 20)];
        Assert.DoesNotContain(_server.Log.Lines, one => telling.Any(part => one.Contains(part, StringComparison.Ordinal)));
        Assert.Empty(_server.Issuer.OtherPaths);
        Assert.Equal(denials, await DenialsAsync());
    }

    [Theory]
    [InlineData("token", "{0}")]
    [InlineData("token", "Bearer {0}")]
    [InlineData("Authorization", "{0}")]
    [InlineData("Authorization", "Bearer {0}")]
    [InlineData("Authorization", "bearer {0}")]
    [InlineData("x-api-key", "{0}")]
    public async Task A_token_is_taken_from_each_header(string header, string format)
    {
        using var client = _server.Anonymous();
        (await Send(client, (header, string.Format(null, format, _server.Issuer.Token(Guid.NewGuid()))))).MustBe(200);
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("RS384")]
    [InlineData("RS512")]
    [InlineData("PS256")]
    [InlineData("PS384")]
    [InlineData("PS512")]
    [InlineData("ES256")]
    [InlineData("ES384")]
    [InlineData("ES512")]
    public async Task Each_algorithm_is_accepted_with_its_key_type(string algorithm)
    {
        var key = algorithm[0] == 'E' ? own.Keys[algorithm] : Rsa;
        using var client = _server.WithToken(Token.Sign(key, _server.Issuer.Claims("ana"), algorithm));
        (await client.GetAsync(Path)).MustBe(200);
    }

    [Fact]
    public async Task Each_subject_is_one_user()
    {
        var user = Guid.NewGuid();
        using var ana = _server.WithToken(_server.Issuer.Token(user));
        using var capitals = _server.WithToken(Token.Sign(_server.Issuer.Key, _server.Issuer.Claims(user.ToString().ToUpperInvariant())));
        using var named = _server.WithToken(Token.Sign(_server.Issuer.Key, _server.Issuer.Claims("auth0|ana")));
        var id = await ana.CreateSecretAsync("of ana");

        var secret = (await capitals.GetAsync($"{Path}/{id}")).MustBe(200);
        Assert.Equal(user, secret.Json["user_id"]!.GetValue<Guid>());
        (await named.GetAsync($"{Path}/{id}")).MustBe(404);
        var kept = await named.CreateSecretAsync($"of auth0|ana {Guid.NewGuid()}");
        Assert.Equal('5', (await named.GetAsync($"{Path}/{kept}")).MustBe(200).Json["user_id"]!.GetValue<string>()[14]);
    }

    [Theory]
    [InlineData("""{}""", "secrets:read secrets:write")]
    [InlineData("""{"scope":""}""", "secrets:read secrets:write")]
    [InlineData("""{"scope":"openid profile secrets:resolve2 Secrets:Resolve"}""", "secrets:read secrets:write")]
    [InlineData("""{"scp":[]}""", "secrets:read secrets:write")]
    [InlineData("""{"scope":"openid secrets:read"}""", "secrets:read")]
    [InlineData("""{"scope":"secrets:resolve"}""", "secrets:resolve")]
    [InlineData("""{"scp":"audit:read secrets:read"}""", "secrets:read audit:read")]
    [InlineData("""{"scp":["audit:read","secrets:read"]}""", "secrets:read audit:read")]
    [InlineData("""{"scope":["secrets:read","secrets:write"]}""", "secrets:read secrets:write")]
    [InlineData("""{"scope":"openid","scp":["secrets:read"]}""", "secrets:read")]
    [InlineData("""{"scope":"secrets:read secrets:write keys:manage audit:read secrets:resolve operator"}""", "secrets:read secrets:write secrets:resolve keys:manage audit:read operator")]
    [InlineData("""{"roles":["operator"],"permissions":["secrets:resolve"]}""", "secrets:read secrets:write")]
    public async Task A_token_has_its_known_scopes_or_those_of_a_browser(string more, string expected)
    {
        using var client = _server.WithToken(With(_server.Issuer.Claims(Guid.NewGuid().ToString()), more));
        Assert.Equal(expected, string.Join(' ', await ScopesOfAsync(client)));
    }

    [Fact]
    public async Task Organisations_have_role_and_workspaces()
    {
        var organization = $"org-{Guid.NewGuid():N}";
        using var admin = _server.WithToken(With(
            _server.Issuer.Claims("admin"),
            $$"""{"scope":"secrets:read keys:manage","organizations":[{"id":"{{organization}}","role":"admin","workspaces":[],"more":1},{"id":"other"}]}"""));
        using var member = _server.WithToken(With(
            _server.Issuer.Claims("member"), $$"""{"organizations":[{"id":"{{organization}}","role":"member","workspaces":["support","support"]}]}"""));

        (await admin.PostAsync("/api/v1/api-keys", Key(organization))).MustBe(200);
        (await admin.PostAsync("/api/v1/api-keys", Key("other"))).MustBe(403);
        (await admin.GetAsync($"/api/v1/usage?organization_id={organization}")).MustBe(200);
        (await member.GetAsync($"/api/v1/usage?organization_id={organization}")).MustBe(403);
        (await member.GetAsync("/api/v1/usage?organization_id=other")).MustBe(403);
        (await member.PostAsync($"{Path}/resolve/explain", Call(organization, "support"))).MustBe(200);
        (await member.PostAsync($"{Path}/resolve/explain", Call(organization, "sales"))).MustBe(403);
    }

    [Fact]
    public async Task An_accepted_token_still_expires()
    {
        var claims = _server.Issuer.Claims("brief");
        claims["exp"] = IdentityProvider.In(TimeSpan.FromSeconds(-57));
        using var client = _server.WithToken(Token.Sign(_server.Issuer.Key, claims));
        (await client.GetAsync(Path)).MustBe(200);
        await Task.Delay(TimeSpan.FromSeconds(3.1));
        (await client.GetAsync(Path)).MustBe(401);
    }

    [Fact]
    public async Task Clocks_may_differ_by_a_minute()
    {
        var ahead = _server.Issuer.Claims("ahead");
        (ahead["nbf"], ahead["iat"]) = (IdentityProvider.In(TimeSpan.FromSeconds(50)), IdentityProvider.In(TimeSpan.FromSeconds(50)) + 0.5);
        var behind = _server.Issuer.Claims("behind");
        behind["exp"] = IdentityProvider.In(TimeSpan.FromSeconds(-50));
        foreach (var claims in (JsonObject[])[ahead, behind])
        {
            using var client = _server.WithToken(Token.Sign(_server.Issuer.Key, claims));
            (await client.GetAsync(Path)).MustBe(200);
        }
    }

    [Theory]
    [InlineData("exp", "253402300739", 200)]
    [InlineData("exp", "253402300740", 200)]
    [InlineData("exp", "253402300799", 200)]
    [InlineData("exp", "253402300799.99996", 200)]
    [InlineData("exp", "253402300799.999999", 401)]
    [InlineData("exp", "253402300800", 401)]
    [InlineData("exp", "9223372036854775807", 401)]
    [InlineData("exp", "1e308", 401)]
    [InlineData("exp", "1e400", 401)]
    [InlineData("exp", "4102444800.5", 200)]
    [InlineData("exp", "4.1024448e9", 200)]
    [InlineData("exp", "0", 401)]
    [InlineData("exp", "-0", 401)]
    [InlineData("exp", "-1", 401)]
    [InlineData("exp", "-1e308", 401)]
    [InlineData("nbf", "0", 200)]
    [InlineData("nbf", "-0", 200)]
    [InlineData("nbf", "-0.0", 200)]
    [InlineData("nbf", "0.25", 200)]
    [InlineData("nbf", "1e-308", 200)]
    [InlineData("nbf", "-1", 401)]
    [InlineData("nbf", "253402300799", 401)]
    [InlineData("nbf", "1e308", 401)]
    [InlineData("iat", "-0", 200)]
    [InlineData("iat", "-253402300800", 401)]
    [InlineData("iat", "253402300799.5", 401)]
    [InlineData("iat", "1e308", 401)]
    public async Task Times_from_1970_to_9999_are_accepted_with_or_without_fractions(string claim, string moment, int status)
    {
        using var client = _server.WithToken(Raw(_server.Issuer, $"\"{claim}\":{moment}"));

        (await client.GetAsync(Path)).MustBe(status);
        (await client.GetAsync(Path)).MustBe(status);
    }

    /// <summary>
    /// Each row has pairs of header and credential, the status of a list and the status of a create. K and J are a key and a JWT of one user,
    /// with all scopes of a browser; k and j may only read. o and O are a key and a JWT of that user in an organisation. 2 and 3 are a key and
    /// a JWT of another user. x is an unknown key, X a forged JWT, E an expired JWT, - an empty header.
    /// </summary>
    [Theory]
    [InlineData("x-api-key K", 200, 200)]
    [InlineData("token J", 200, 200)]
    [InlineData("x-api-key K, token J", 200, 200)]
    [InlineData("x-api-key K, Authorization J", 200, 200)]
    [InlineData("Authorization K, token J, x-api-key k", 200, 403)]
    [InlineData("x-api-key K, token j", 200, 403)]
    [InlineData("x-api-key k, token J", 200, 403)]
    [InlineData("Authorization J, token j", 200, 403)]
    [InlineData("Authorization J, Authorization K", 401, 401)]
    [InlineData("Authorization J, Authorization k", 401, 401)]
    [InlineData("token J, token J, token J", 401, 401)]
    [InlineData("x-api-key K, token J, token J", 401, 401)]
    [InlineData("x-api-key o, token O", 200, 200)]
    [InlineData("x-api-key o, token J", 401, 401)]
    [InlineData("x-api-key K, token O", 401, 401)]
    [InlineData("x-api-key K, token 3", 401, 401)]
    [InlineData("token J, x-api-key 2", 401, 401)]
    [InlineData("Authorization J, token 3", 401, 401)]
    [InlineData("Authorization J, Authorization 3", 401, 401)]
    [InlineData("x-api-key K, token X", 401, 401)]
    [InlineData("x-api-key K, token E", 401, 401)]
    [InlineData("x-api-key K, token -", 200, 200)]
    [InlineData("x-api-key -, token J", 200, 200)]
    [InlineData("Authorization -, token J", 200, 200)]
    [InlineData("x-api-key x, token J", 401, 401)]
    [InlineData("token X, x-api-key K", 401, 401)]
    [InlineData("Authorization E, x-api-key K", 401, 401)]
    [InlineData("Authorization J, Authorization X", 401, 401)]
    [InlineData("Authorization J, Authorization -", 200, 200)]
    public async Task All_credentials_must_be_valid_and_of_one_principal(string sent, int list, int create)
    {
        var issuer = _server.Issuer;
        string[] all = ["secrets:read", "secrets:write"];
        using var full = await _server.NewUserAsync();
        using var reading = await _server.NewKeyAsync(full.UserId, ["secrets:read"]);
        using var bound = await _server.NewKeyAsync(full.UserId, all, "acme");
        using var other = await _server.NewUserAsync();
        var expired = issuer.Token(full.UserId, ("exp", IdentityProvider.In(TimeSpan.FromMinutes(-5))));
        var credentials = new Dictionary<string, string>
        {
            ["K"] = full.Key!,
            ["k"] = reading.Key!,
            ["o"] = bound.Key!,
            ["2"] = other.Key!,
            ["J"] = issuer.Token(full.UserId),
            ["j"] = issuer.Token(full.UserId, ("scope", "secrets:read")),
            ["O"] = issuer.Token(full.UserId, ("organizations", JsonNode.Parse("""[{"id":"acme","role":"admin"}]"""))),
            ["3"] = issuer.Token(other.UserId),
            ["x"] = "secsvc_" + new string('0', 52),
            ["X"] = Token.Sign(Stranger, issuer.Claims(full.UserId.ToString())),
            ["E"] = expired,
            ["-"] = "",
        };
        var headers = sent.Split(", ").Select(one => one.Split(' ')).Select(one => (one[0], credentials[one[1]])).ToArray();
        var body = """{"secret_name":"n","secret_value":"some value"}""";

        Assert.Equal(list, await AskAsync("GET", "", headers));
        Assert.Equal(create, await AskAsync("POST", body, headers));
    }

    [Fact]
    public async Task Two_credentials_of_an_organisation_act_with_the_lesser_role()
    {
        var organization = $"org-{Guid.NewGuid():N}";
        string[] scopes = ["secrets:read", "keys:manage"];
        using var admin = await _server.NewKeyAsync(Guid.NewGuid(), scopes, organization, "admin");
        var member = _server.Issuer.Token(
            admin.UserId, ("scope", string.Join(' ', scopes)), ("organizations", JsonNode.Parse($$"""[{"id":"{{organization}}"}]""")));
        using var client = _server.Anonymous();
        var body = Key(organization).ToJsonString();
        (await client.SendAsync(HttpMethod.Post, "/api/v1/api-keys", body, ("x-api-key", admin.Key!))).MustBe(200);
        (await client.SendAsync(HttpMethod.Post, "/api/v1/api-keys", body, ("x-api-key", admin.Key!), ("token", member))).MustBe(403);
        (await client.SendAsync(HttpMethod.Post, "/api/v1/api-keys", body, ("token", admin.Key!), ("Authorization", member))).MustBe(403);
    }

    [Fact]
    public async Task Headers_joined_into_one_line_are_one_invalid_credential()
    {
        var token = _server.Issuer.Token(Guid.NewGuid());
        Assert.Equal(401, await AskAsync("GET", "", ("Authorization", $"Bearer {token}, Bearer {token}")));
    }

    [Fact]
    public async Task Concurrent_requests_with_the_same_and_different_tokens_succeed()
    {
        var one = _server.Issuer.Token(Guid.NewGuid());
        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(async at =>
        {
            using var client = _server.WithToken(at % 2 == 0 ? one : _server.Issuer.Token(Guid.NewGuid()));
            return (await client.GetAsync(Path)).Status;
        }));
        Assert.All(answers, status => Assert.Equal(200, status));
    }

    [Fact]
    public async Task Public_endpoints_ignore_invalid_credentials()
    {
        using var client = _server.WithToken(Token.Sign(Stranger, None));
        Assert.Equal(200, (await client.GetAsync("/health/live")).Status);
    }

    /// <summary>Sends a raw request, because an HTTP client joins headers with the same name.</summary>
    private async Task<int> AskAsync(string method, string body, params (string Name, string Value)[] headers)
    {
        var lines = headers.Select(header => $"{header.Name}: {header.Value}\r\n");
        var answer = await RawHttp.SendAsync(_server.Address, Encoding.ASCII.GetBytes(
            $"{method} {Path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{string.Concat(lines)}"
            + $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
        return answer.Status;
    }

    private static string Header(IdentityProvider issuer) => $$"""{"alg":"ES256","kid":"{{issuer.Key.Id}}"}""";

    private static string Payload(IdentityProvider issuer) => Token.Encode(issuer.Claims("mallory").ToJsonString());

    /// <summary>A token with the right key and changed claims. The value null removes a claim.</summary>
    private static string Signed(IdentityProvider issuer, JsonObject? claims = null, JsonObject? header = null)
    {
        var all = issuer.Claims("mallory");
        foreach (var (name, value) in claims ?? [])
        {
            if (value is null)
            {
                all.Remove(name);
            }
            else
            {
                all[name] = value.DeepClone();
            }
        }

        return Token.Sign(issuer.Key, all, issuer.Key.Algorithm, header);
    }

    /// <summary>A token with the right key and a literal JSON member.</summary>
    private static string Raw(IdentityProvider issuer, string member)
    {
        var claims = issuer.Claims("mallory");
        claims.Remove(member.Split('"')[1]);
        return Token.Sign(issuer.Key, Header(issuer), claims.ToJsonString().Insert(1, member + ","));
    }

    private static string Organizations(IdentityProvider issuer, string json) => Raw(issuer, $"\"organizations\":{json}");

    private static string Cut(string token)
    {
        var parts = token.Split('.');
        return $"{parts[0]}.{parts[1][..(parts[1].Length / 8 * 4)]}.{parts[2]}";
    }

    private string With(JsonObject claims, string more)
    {
        foreach (var (name, value) in JsonNode.Parse(more)!.AsObject())
        {
            claims[name] = value?.DeepClone();
        }

        return Token.Sign(_server.Issuer.Key, claims);
    }

    /// <summary>Finds the scopes of a credential by trying requests.</summary>
    private static async Task<IReadOnlyList<string>> ScopesOfAsync(ApiClient client)
    {
        var call = new JsonObject { ["tool_name"] = "tool" };
        (string Scope, Answer Answer)[] all =
        [
            ("secrets:read", await client.GetAsync(Path)),
            ("secrets:write", await client.DeleteAsync($"{Path}/{Guid.NewGuid()}")),
            ("secrets:resolve", await client.AskAsync($"{Path}/resolve", call)),
            ("keys:manage", await client.GetAsync("/api/v1/api-keys")),
            ("audit:read", await client.GetAsync("/api/v1/audit")),
            ("operator", await client.GetAsync("/api/v1/audit/verify")),
        ];
        Assert.All(all, one => Assert.Contains(one.Answer.Status, (int[])[200, 403, 404]));
        return [.. all.Where(one => one.Answer.Status != 403).Select(one => one.Scope)];
    }

    private static JsonObject Key(string organization) => new()
    {
        ["name"] = "k",
        ["scopes"] = new JsonArray("secrets:read"),
        ["organization_id"] = organization,
        ["expires_at"] = DateTimeOffset.UtcNow.AddDays(1).ToString("O"),
    };

    private static JsonObject Call(string organization, string workspace) =>
        new() { ["tool_name"] = "tool", ["organization_id"] = organization, ["workspace"] = workspace };

    private Task<long> DenialsAsync() => _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit WHERE outcome = 2");

    private static Task<Answer> Send(ApiClient client, params (string, string)[] headers) =>
        client.SendAsync(HttpMethod.Get, Path, json: null, headers);

    /// <summary>Not shared with other classes, because the tests assign log lines to requests.</summary>
    public sealed class OwnServer : IAsyncLifetime
    {
        public ApiServer Server { get; } = ApiServer.With(("Auth:Jwt:RefreshSeconds", "1"));

        public Dictionary<string, TestKey> Keys { get; } = new() { ["ES384"] = TestKey.For("ES384"), ["ES512"] = TestKey.For("ES512") };

        public async ValueTask InitializeAsync()
        {
            await Server.InitializeAsync();
            Keys["ES256"] = Server.Issuer.Key;

            // The service loads new keys with a token that names one, if the last fetch is at least a second old.
            Server.Issuer.Published = [.. Keys.Values, Rsa];
            using var client = Server.WithToken(Token.Sign(Rsa, Server.Issuer.Claims("first")));
            while ((await client.GetAsync(Path)).Status != 200)
            {
                await Task.Delay(100);
            }
        }

        public ValueTask DisposeAsync() => Server.DisposeAsync();
    }
}
