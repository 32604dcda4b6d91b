using System.Text.Json.Nodes;
using MediatR;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Secrets.Application.Common;
using Secrets.TestKit;
using Secrets.TestKit.Tokens;

namespace Secrets.Api.Tests.Promises;

/// <summary>
/// Promise 8 and deny by default: every endpoint is called by every kind of principal, with an API key and with a JWT.
/// An endpoint or a request without a row fails the test.
/// </summary>
public sealed class WhoMayDoWhat(WhoMayDoWhat.OwnServer own) : IClassFixture<WhoMayDoWhat.OwnServer>
{
    /// <summary>
    /// The callers. <c>none</c> sends no credential, <c>bad</c> a malformed one, <c>unknown</c> a key that does not exist or a forged JWT.
    /// <c>expired</c> is an expired key, <c>ended</c> an expired JWT. <c>user</c> owns the secret and the key; <c>foreign</c> is another user.
    /// <c>runtime</c> may only resolve. <c>member</c> and <c>admin</c> belong to the organisation. <c>keys</c> manages keys, <c>auditor</c> reads the audit.
    /// <c>operator</c> has every scope and belongs to no organisation. <c>backend</c> acts for users.
    /// </summary>
    private const string Principals =
        "none bad unknown revoked expired ended user foreign runtime member admin keys auditor operator backend";

    // Placeholders: {secret} and {key} belong to the user. {user}, {foreign} and {operator} are ids of users. {org} is the organisation, {alias} one of its
    // secrets, {n} a unique number. Requests of the vault dialect name the organisation in their context header.
    // A star means: the refusal writes one audit row. All other answers write no refusal.
    private static readonly Row[] Table =
    [
        new("CreateSecret", "POST", "/api/v1/secrets", """{"secret_name":"n{n}","secret_value":"some value"}""",
            "401 401 401 401* 401* 401  200  200  403* 200  200  403* 403* 200  200"),
        new("ListSecrets", "GET", "/api/v1/secrets", null,
            "401 401 401 401* 401* 401  200  200  403* 200  200  403* 403* 200  200"),
        new("GetSecret", "GET", "/api/v1/secrets/{secret}", null,
            "401 401 401 401* 401* 401  200  404* 403* 404* 404* 403* 403* 404* 404*"),
        new("UpdateSecret", "PATCH", "/api/v1/secrets/{secret}", """{"tool_arg":"a"}""",
            "401 401 401 401* 401* 401  200  404* 403* 404* 404* 403* 403* 404* 404*"),
        new("DeleteSecret", "DELETE", "/api/v1/secrets/{secret}", null,
            "401 401 401 401* 401* 401  200  404* 403* 404* 404* 403* 403* 404* 404*"),
        new("CreateSecret", "POST", "/api/v1/secrets?user_id={user}", """{"secret_name":"n{n}","secret_value":"some value"}""",
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 200  200"),
        new("ListSecrets", "GET", "/api/v1/secrets?user_id={user}", null,
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 200  200"),
        new("ListSecrets", "GET", "/api/v1/secrets?user=ada", null,
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 200  200"),
        new("ListSecrets", "GET", "/api/v1/secrets?user_id={operator}", null,
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 200  404*"),
        new("GetSecret", "GET", "/api/v1/secrets/{secret}?user_id={user}", null,
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 200  200"),
        new("GetSecret", "GET", "/api/v1/secrets/{secret}?user_id={foreign}", null,
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 404* 404*"),
        new("UpdateSecret", "PATCH", "/api/v1/secrets/{secret}?user_id={user}", """{"tool_arg":"a"}""",
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 200  200"),
        new("UpdateSecret", "PATCH", "/api/v1/secrets/{secret}?user_id={foreign}", """{"tool_arg":"a"}""",
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 404* 404*"),
        new("DeleteSecret", "DELETE", "/api/v1/secrets/{secret}?user_id={user}", null,
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 200  200"),
        new("DeleteSecret", "DELETE", "/api/v1/secrets/{secret}?user_id={foreign}", null,
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 404* 404*"),
        new("GetUsage", "GET", "/api/v1/usage?user_id={user}", null,
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 200  200"),
        new("ResolveSecrets", "POST", "/api/v1/secrets/resolve", """{"tool_name":"t","user":"ada"}""",
            "401 401 401 401* 401* 401  403* 403* 200  403* 403* 403* 403* 200  403*"),
        new("ExplainResolution", "POST", "/api/v1/secrets/resolve/explain", """{"tool_name":"t","user":"ada"}""",
            "401 401 401 401* 401* 401  403* 403* 200  403* 403* 403* 403* 200  403*"),
        new("CreateApiKey", "POST", "/api/v1/api-keys", """{"name":"n","scopes":["keys:manage"],"expires_at":"{later}","user":"ada"}""",
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 200  403*"),
        new("CreateApiKey", "POST", "/api/v1/api-keys", """{"name":"n","scopes":["users:act"],"expires_at":"{later}"}""",
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 422  403*"),
        new("CreateApiKey", "POST", "/api/v1/api-keys", """{"name":"n","scopes":["users:act"],"expires_at":"{later}","user_id":"{user}"}""",
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 200  403*"),
        new("ResolveSecrets", "POST", "/api/v1/secrets/resolve", """{"tool_name":"t","user_id":"{user}"}""",
            "401 401 401 401* 401* 401  403* 403* 200  403* 403* 403* 403* 200  403*"),
        new("ResolveSecrets", "POST", "/api/v1/secrets/resolve", """{"tool_name":"t","user_id":null,"organization_id":"{org}"}""",
            "401 401 401 401* 401* 401  403* 403* 200  403* 403* 403* 403* 200  403*"),
        new("ExplainResolution", "POST", "/api/v1/secrets/resolve/explain", """{"tool_name":"t"}""",
            "401 401 401 401* 401* 401  200  200  422  200  200  403* 403* 422  200"),
        new("ExplainResolution", "POST", "/api/v1/secrets/resolve/explain", """{"tool_name":"t","user_id":"{user}"}""",
            "401 401 401 401* 401* 401  200  403* 200  403* 403* 403* 403* 200  403*"),
        new("ExplainResolution", "POST", "/api/v1/secrets/resolve/explain", """{"tool_name":"t","user_id":null,"organization_id":"{org}"}""",
            "401 401 401 401* 401* 401  403* 403* 200  200  200  403* 403* 200  403*"),
        new("ExplainResolution", "POST", "/api/v1/secrets/resolve/explain", """{"tool_name":"t","user_id":null,"organization_id":"{org}","workspace":"w"}""",
            "401 401 401 401* 401* 401  403* 403* 200  200  200  403* 403* 200  403*"),
        new("ExplainResolution", "POST", "/api/v1/secrets/resolve/explain", """{"tool_name":"t","user_id":null,"organization_id":"{org}","workspace":"other"}""",
            "401 401 401 401* 401* 401  403* 403* 200  403* 200  403* 403* 200  403*"),
        new("CreateApiKey", "POST", "/api/v1/api-keys", """{"name":"n","scopes":["keys:manage"],"expires_at":"{later}"}""",
            "401 401 401 401* 401* 401  403* 403* 403* 403* 200  200  403* 200  403*"),
        new("CreateApiKey", "POST", "/api/v1/api-keys", """{"name":"n","scopes":["secrets:resolve"],"expires_at":"{later}"}""",
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 200  403*"),
        new("CreateApiKey", "POST", "/api/v1/api-keys", """{"name":"n","scopes":["keys:manage"],"expires_at":"{later}","user_id":"{user}"}""",
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 200  403*"),
        new("CreateApiKey", "POST", "/api/v1/api-keys", """{"name":"n","scopes":["keys:manage"],"expires_at":"{later}","organization_id":"{org}"}""",
            "401 401 401 401* 401* 401  403* 403* 403* 403* 200  403* 403* 200  403*"),
        new("ListApiKeys", "GET", "/api/v1/api-keys", null,
            "401 401 401 401* 401* 401  403* 403* 403* 403* 200  200  403* 200  403*"),
        new("DeleteApiKey", "DELETE", "/api/v1/api-keys/{key}", null,
            "401 401 401 401* 401* 401  403* 403* 403* 403* 404* 404* 403* 200  403*"),
        new("RotateApiKey", "POST", "/api/v1/api-keys/{key}/rotate", """{"expires_at":"{later}"}""",
            "401 401 401 401* 401* 401  403* 403* 403* 403* 404* 404* 403* 200  403*"),
        new("DeleteApiKey", "DELETE", "/api/v1/api-keys/{key}?cascade=true", null,
            "401 401 401 401* 401* 401  403* 403* 403* 403* 404* 404* 403* 200  403*"),
        new("GetMe", "GET", "/api/v1/me", null,
            "401 401 401 401* 401* 401  200  200  200  200  200  200  200  200  200"),
        new("ListAudit", "GET", "/api/v1/audit", null,
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 200  200  403*"),
        new("VerifyAudit", "GET", "/api/v1/audit/verify", null,
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 200  403*"),
        new("VerifyAudit", "POST", "/api/v1/audit/verify", """{"at":"2026-01-01T00:00:00Z","count":0,"heads":[],"mac":"00"}""",
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 422  403*"),
        new("GetCheckpoint", "GET", "/api/v1/audit/checkpoint", null,
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 200  403*"),
        new("GetEncryption", "GET", "/api/v1/encryption", null,
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 200  403*"),
        new("RotateKeys", "POST", "/api/v1/encryption/rotate", """{"layer":"data_keys"}""",
            "401 401 401 401* 401* 401  403* 403* 403* 403* 403* 403* 403* 200  403*"),
        new("GetUsage", "GET", "/api/v1/usage", null,
            "401 401 401 401* 401* 401  200  200  403* 200  200  403* 403* 200  200"),
        new("GetUsage", "GET", "/api/v1/usage?organization_id={org}", null,
            "401 401 401 401* 401* 401  403* 403* 403* 403* 200  403* 403* 403* 403*"),
        new("CreateSecret", "POST", "/api/v2/aihub/secrets", """{"alias":"n{n}","value":"some value","allowed_workspaces_type":"ALL"}""",
            "401 401 401 401* 401* 401  401* 401* 401* 401* 200  401* 401* 401* 401*"),
        new("ListSecrets", "GET", "/api/v2/aihub/secrets", null,
            "401 401 401 401* 401* 401  401* 401* 401* 401* 200  401* 401* 401* 401*"),
        new("ListSecrets", "GET", "/api/v2/aihub/secrets?workspace=w", null,
            "401 401 401 401* 401* 401  401* 401* 401* 200  200  401* 401* 401* 401*"),
        new("ListSecrets", "GET", "/api/v2/aihub/secrets?workspace=other", null,
            "401 401 401 401* 401* 401  401* 401* 401* 401* 200  401* 401* 401* 401*"),
        new("UpdateSecret", "PATCH", "/api/v2/aihub/secrets", """{"alias":"{alias}","description":"d"}""",
            "401 401 401 401* 401* 401  401* 401* 401* 401* 200  401* 401* 401* 401*"),
        new("DeleteSecret", "DELETE", "/api/v2/aihub/secrets", """{"alias":"{alias}"}""",
            "401 401 401 401* 401* 401  401* 401* 401* 401* 200  401* 401* 401* 401*"),
        new(null, "GET", "/health/live", null,
            "200 200 200 200 200  200  200  200  200  200  200  200  200  200  200"),
        new(null, "GET", "/health/ready", null,
            "200 200 200 200 200  200  200  200  200  200  200  200  200  200  200"),
        new(null, "GET", "/openapi/v1.json", null,
            "200 200 200 200 200  200  200  200  200  200  200  200  200  200  200"),
    ];

    /// <summary>Alternative paths of endpoints.</summary>
    private static readonly (string Path, string Also)[] Aliases = [("/api/v1/secrets", "/v1/secrets")];

    private readonly ApiServer _server = own.Server;

    private static IEnumerable<Row> Rows => Table.Concat(
        from row in Table
        from alias in Aliases
        where row.Path.StartsWith(alias.Path, StringComparison.Ordinal)
        select row with { Path = alias.Also + row.Path[alias.Path.Length..] });

    [Fact]
    public void Every_endpoint_has_a_row()
    {
        var served = _server.Services.GetServices<EndpointDataSource>()
            .SelectMany(source => source.Endpoints)
            .OfType<RouteEndpoint>()
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.DefaultIfEmpty("GET") ?? ["GET"], Named)
            .Distinct();
        var inTable = Rows.Select(row => $"{row.Method} {Template(row.Path)}").Distinct();
        Assert.Equal(served.Order(StringComparer.Ordinal), inTable.Order(StringComparer.Ordinal));

        static string Named(RouteEndpoint endpoint, string method) =>
            $"{method} /{Template(endpoint.RoutePattern.RawText!.Trim('/'))}";
    }

    [Fact]
    public void Every_request_has_a_row()
    {
        var requests = typeof(Caller).Assembly.GetTypes()
            .Where(type => !type.IsAbstract && type.GetInterfaces().Any(contract => contract.IsGenericType && contract.GetGenericTypeDefinition() == typeof(IRequest<>)))
            .Select(type => type.Name);
        Assert.Equal(requests.Order(StringComparer.Ordinal), Rows.Select(row => row.Request).OfType<string>().Distinct().Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_principal_gets_the_answers_in_the_table(bool byToken)
    {
        var wrong = new List<string>();
        var refusals = await RefusalsAsync();
        foreach (var row in Rows)
        {
            foreach (var (principal, cell) in Principals.Split(' ').Zip(row.Cells.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
            {
                if (own.CredentialOf(principal, byToken) is not { } credential)
                {
                    continue;
                }

                var (path, body) = (await FillAsync(row.Path), row.Body is null ? null : await FillAsync(row.Body));
                var logged = _server.Log.Lines.Count;
                using var client = _server.Anonymous();
                (string, string)[] context = path.StartsWith("/api/v2/", StringComparison.Ordinal) ? [("IB-Context", OwnServer.Organization)] : [];
                var answer = await client.SendAsync(
                    new HttpMethod(row.Method), path, body, principal == "none" ? context : [("Authorization", $"Bearer {credential}"), .. context]);
                var after = await RefusalsAsync();
                var got = answer.Status + new string('*', (int)(after - refusals));
                if (got != cell)
                {
                    wrong.Add($"{row.Method} {row.Path} {row.Body} by {principal}: expected {cell}, got {got}");
                }

                refusals = after;
                if (!cell.StartsWith("401", StringComparison.Ordinal) && row.Request is not null)
                {
                    // The log of the pipeline proves that the endpoint sends the request that the row names.
                    Assert.Contains(_server.Log.Lines.Skip(logged), line => line.Contains($" {row.Request} by {own.Users[principal]} ", StringComparison.Ordinal));
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static string Template(string path) =>
        string.Join('/', path.Split('?')[0].Split('/').Select(step => step.StartsWith('{') || step == "v1.json" ? "{}" : step));

    private Task<long> RefusalsAsync() => _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit WHERE outcome = 2");

    /// <summary>Replaces the placeholders. Each request gets a new secret or key, because some requests delete theirs.</summary>
    private async Task<string> FillAsync(string text)
    {
        text = text.Replace("{user}", own.Users["user"].ToString(), StringComparison.Ordinal)
            .Replace("{foreign}", own.Users["foreign"].ToString(), StringComparison.Ordinal)
            .Replace("{operator}", own.Users["operator"].ToString(), StringComparison.Ordinal)
            .Replace("{org}", OwnServer.Organization, StringComparison.Ordinal)
            .Replace("{n}", Guid.NewGuid().ToString("N"), StringComparison.Ordinal)
            .Replace("{later}", DateTimeOffset.UtcNow.AddDays(1).ToString("O"), StringComparison.Ordinal);
        if (text.Contains("{secret}", StringComparison.Ordinal))
        {
            using var user = _server.WithKey(own.CredentialOf("user", byToken: false)!);
            text = text.Replace("{secret}", (await user.CreateSecretAsync($"asked for {Guid.NewGuid()}")).ToString(), StringComparison.Ordinal);
        }

        if (text.Contains("{alias}", StringComparison.Ordinal))
        {
            var alias = $"asked-for-{Guid.NewGuid():N}";
            using var admin = _server.WithKey(own.CredentialOf("admin", byToken: false)!);
            var body = $$"""{"alias":"{{alias}}","value":"some value","allowed_workspaces_type":"ALL"}""";
            (await admin.SendAsync(HttpMethod.Post, "/api/v2/aihub/secrets", body)).MustBe(200);
            text = text.Replace("{alias}", alias, StringComparison.Ordinal);
        }

        if (text.Contains("{key}", StringComparison.Ordinal))
        {
            using var @operator = _server.Operator();
            var made = await @operator.PostAsync(
                "/api/v1/api-keys", new JsonObject { ["name"] = "k", ["user_id"] = own.Users["user"].ToString(), ["scopes"] = new JsonArray("secrets:read") });
            text = text.Replace("{key}", made.MustBe(200).Json["id"]!.GetValue<string>(), StringComparison.Ordinal);
        }

        return text;
    }

    /// <summary>An HTTP request and the expected answers.</summary>
    /// <param name="Request">The name of the MediatR request that the endpoint sends, or null if it sends none.</param>
    /// <param name="Method">The HTTP method.</param>
    /// <param name="Path">The path, with placeholders.</param>
    /// <param name="Body">The body, with placeholders, or null.</param>
    /// <param name="Cells">The status for each principal, in the order of <see cref="Principals"/>.</param>
    private sealed record Row(string? Request, string Method, string Path, string? Body, string Cells);

    /// <summary>Not shared with other classes, because the tests count refusals.</summary>
    public sealed class OwnServer : IAsyncLifetime
    {
        public const string Organization = "org";

        private static readonly Dictionary<string, string> Scopes = new()
        {
            ["user"] = "secrets:read secrets:write",
            ["foreign"] = "secrets:read secrets:write",
            ["runtime"] = "secrets:resolve",
            ["member"] = "secrets:read secrets:write",
            ["admin"] = "secrets:read secrets:write keys:manage",
            ["keys"] = "keys:manage",
            ["auditor"] = "audit:read",
            ["operator"] = "secrets:read secrets:write secrets:resolve keys:manage audit:read operator users:act",
            ["backend"] = "secrets:read secrets:write users:act",
        };

        private readonly Dictionary<string, string> _keys = [];
        private readonly Dictionary<string, string> _tokens = [];

        // All refusals come from one address within a minute, so that limit is off. Without AllowedScopes no token acts for users.
        public ApiServer Server { get; } = ApiServer.With(("Limits:FailedAuthenticationsPerMinute", "0"), ("Auth:Jwt:AllowedScopes", Scopes["operator"]));

        /// <summary>The user id of each principal.</summary>
        public Dictionary<string, Guid> Users { get; } = [];

        /// <summary>The key or token of a principal, or null if the principal has none of that type.</summary>
        public string? CredentialOf(string principal, bool byToken) => (byToken ? _tokens : _keys).GetValueOrDefault(principal);

        public async ValueTask InitializeAsync()
        {
            await Server.InitializeAsync();
            foreach (var (principal, scopes) in Scopes)
            {
                var user = Users[principal] = Guid.NewGuid();
                var isBound = principal is "member" or "admin";
                using var client = isBound
                    ? await Server.NewKeyAsync(user, scopes.Split(' '), Organization, principal, principal is "member" ? ["w"] : [])
                    : await Server.NewKeyAsync(user, scopes.Split(' '));
                _keys[principal] = client.Key!;
                _tokens[principal] = isBound
                    ? Server.Issuer.Token(user, ("scope", scopes), ("organizations", JsonNode.Parse($$"""[{"id":"{{Organization}}","role":"{{principal}}","workspaces":["w"]}]""")))
                    : Server.Issuer.Token(user, ("scope", scopes));
            }

            (_keys["none"], _tokens["none"]) = ("", "");
            (_keys["bad"], _tokens["bad"]) = ("nonsense", "ey.rubbish.rubbish");
            (_keys["unknown"], _tokens["unknown"]) = ("secsvc_" + new string('0', 52), Token.Sign(TestKey.For("ES256"), Server.Issuer.Claims("mallory")));
            _tokens["ended"] = Server.Issuer.Token(Users["user"], ("exp", IdentityProvider.In(TimeSpan.FromMinutes(-5))));
            _keys["revoked"] = await MakeAsync(new JsonObject { ["scopes"] = new JsonArray("secrets:read") }, revoke: true);
            _keys["expired"] = await MakeAsync(
                new JsonObject { ["scopes"] = new JsonArray("secrets:read"), ["expires_at"] = DateTimeOffset.UtcNow.AddSeconds(1).ToString("O") }, revoke: false);
            await Task.Delay(TimeSpan.FromSeconds(1.1));
        }

        public ValueTask DisposeAsync() => Server.DisposeAsync();

        private async Task<string> MakeAsync(JsonObject body, bool revoke)
        {
            using var @operator = Server.Operator();
            (body["name"], body["user_id"]) = ("k", Users["user"].ToString());
            var made = (await @operator.PostAsync("/api/v1/api-keys", body)).MustBe(200).Json;
            if (revoke)
            {
                (await @operator.DeleteAsync($"/api/v1/api-keys/{made["id"]}")).MustBe(200);
            }

            return made["key"]!.GetValue<string>();
        }
    }
}
