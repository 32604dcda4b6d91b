using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>Faults that are found before the body is parsed, and requests that are too large.</summary>
public sealed class BadRequests(ApiServer server)
{
    private const int TenMegabytes = 10 * 1024 * 1024;

    private static readonly string[] Operations = ["GET", "PATCH", "DELETE"];

    public static TheoryData<string, string> MalformedIds()
    {
        string[] ids =
        [
            "MARK", "1", "01890a5d-ac96-774b-bcce-b302099a805", "01890a5d-ac96-774b-bcce-b302099a80577", "01890a5d-ac96-774b-bcce-b302099a805g",
            "null", "%20", "01890a5dac96774bbcceb302099a805", "01890a5dac96-774b-bcce-b302099a8057", "0x890a5d-ac96-774b-bcce-b302099a8057", "%7B01890a5d-ac96-774b-bcce-b302099a8057%7D", "01890a5d-ac96-774b-bcce-b302099a8057%20",
            "%2001890a5d-ac96-774b-bcce-b302099a8057", "%F0%9F%94%91", "'%20or%20'1'='1", "..%5C..%5Cetc", "01890a5d_ac96_774b_bcce_b302099a8057", "MARK%0d%0aSet-Cookie:%20MARK",
        ];
        return [.. Operations.SelectMany(operation => ids.Select(id => (operation, id)))];
    }

    [Theory]
    [MemberData(nameof(MalformedIds))]
    public async Task An_id_that_is_no_uuid_is_422(string operation, string id)
    {
        using var user = await server.NewUserAsync();
        var mark = $"MARK-{Guid.NewGuid():N}";

        var answer = await user.SendAsync(
            new HttpMethod(operation), $"{Answers.Secrets}/{id.Replace("MARK", mark, StringComparison.Ordinal)}", operation is "PATCH" ? "{}" : null);

        answer.MustBeInvalid("path.secret_id: uuid_parsing").MustNotRepeat(mark);
    }

    [Fact]
    public async Task An_id_may_be_written_in_capitals()
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("n");

        Assert.Equal(id, (await user.GetAsync($"{Answers.Secrets}/{id.ToString().ToUpperInvariant()}")).MustBeSecret().Id());
    }

    [Theory]
    [InlineData("GET", null)]
    [InlineData("PATCH", null)]
    [InlineData("PATCH", "{}")]
    [InlineData("PATCH", """{"secret_name": "taken over", "secret_value": "taken over"}""")]
    [InlineData("DELETE", null)]
    public async Task Other_peoples_secrets_do_not_exist(string operation, string? body)
    {
        using var user = await server.NewUserAsync();
        using var other = await server.NewUserAsync("secrets:read", "secrets:write", "secrets:resolve");
        using var @operator = server.Operator();
        var id = await user.CreateSecretAsync("mine");
        var stored = await user.GetAsync(Answers.One(id));

        var missing = (await other.SendAsync(new HttpMethod(operation), Answers.One(Guid.NewGuid()), body)).MustBeError(404, "Not found");
        foreach (var stranger in (ApiClient[])[other, @operator])
        {
            var answer = (await stranger.SendAsync(new HttpMethod(operation), Answers.One(id), body)).MustBeError(404);
            Assert.Equal(missing.Body, answer.Body);
            Assert.Equal(Names(missing), Names(answer), StringComparer.Ordinal);
        }

        Assert.Equal(stored.Body, (await user.GetAsync(Answers.One(id))).Body);
        Assert.Empty((await other.GetAsync(Answers.Secrets)).MustBeList());
    }

    [Theory]
    [InlineData("PUT", "", "GET, POST")]
    [InlineData("PATCH", "", "GET, POST")]
    [InlineData("DELETE", "", "GET, POST")]
    [InlineData("OPTIONS", "", "GET, POST")]
    [InlineData("MARK", "", "GET, POST")]
    [InlineData("POST", "/01890a5d-ac96-774b-bcce-b302099a8057", "DELETE, GET, PATCH")]
    [InlineData("PUT", "/01890a5d-ac96-774b-bcce-b302099a8057", "DELETE, GET, PATCH")]
    [InlineData("TRACE", "/01890a5d-ac96-774b-bcce-b302099a8057", "DELETE, GET, PATCH")]
    [InlineData("GET", "/resolve", "POST")]
    [InlineData("PATCH", "/resolve", "POST")]
    [InlineData("DELETE", "/Resolve/", "POST")]
    [InlineData("OPTIONS", "/resolve", "POST")]
    [InlineData("MARK", "/resolve", "POST")]
    [InlineData("GET", "/resolve/explain", "POST")]
    public async Task A_wrong_method_is_405_and_the_allowed_ones_are_named(string method, string path, string allowed)
    {
        using var user = await server.NewUserAsync();

        var answer = (await user.SendAsync(new HttpMethod(method), Answers.Secrets + path)).MustBeError(405).MustNotRepeat("MARK");

        Assert.Equal(allowed.Split(", "), answer.ContentHeaders.Allow.Order(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    /// <summary>A parameter of another route must not capture a literal path. Health accepts any method that a load balancer sends.</summary>
    [Fact]
    public async Task Every_literal_path_knows_its_methods()
    {
        using var user = server.Operator();
        string[] methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "MARK"];
        var paths = server.Services.GetServices<EndpointDataSource>()
            .SelectMany(source => source.Endpoints)
            .OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.Parameters.Count == 0 && !endpoint.RoutePattern.RawText!.StartsWith("/health", StringComparison.Ordinal))
            .ToLookup(endpoint => $"/{endpoint.RoutePattern.RawText!.Trim('/')}", endpoint => endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods);
        Assert.NotEmpty(paths);
        foreach (var path in paths)
        {
            var allowed = path.SelectMany(one => one).Order(StringComparer.Ordinal).ToList();
            foreach (var method in methods.Except(allowed, StringComparer.Ordinal))
            {
                var answer = (await user.SendAsync(new HttpMethod(method), path.Key)).MustBe(405);

                Assert.Equal(allowed, answer.ContentHeaders.Allow.Order(StringComparer.Ordinal), StringComparer.Ordinal);
                Assert.Equal(path.Key.Contains("aihub", StringComparison.Ordinal) ? "message" : "detail", Assert.Single(answer.Json.AsObject()).Key);
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("/resolve")]
    public async Task HEAD_is_405_without_a_body(string path)
    {
        using var user = await server.NewUserAsync();

        var answer = (await user.SendAsync(HttpMethod.Head, Answers.Secrets + path)).MustBe(405);

        Assert.Empty(answer.Body);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/MARK")]
    [InlineData("/api")]
    [InlineData("/api/v1")]
    [InlineData("/api/v1/MARK?MARK=MARK")]
    [InlineData("/api/v2/secrets")]
    [InlineData("/v1/secret")]
    [InlineData("/api/v1/secrets/01890a5d-ac96-774b-bcce-b302099a8057/MARK")]
    [InlineData("/api/v1/secrets/%2e%2e/MARK")]
    public async Task An_unknown_path_is_404(string path)
    {
        using var user = await server.NewUserAsync();
        var mark = $"MARK-{Guid.NewGuid():N}";

        foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Post, HttpMethod.Delete])
        {
            var answer = await user.SendAsync(method, path.Replace("MARK", mark, StringComparison.Ordinal));
            answer.MustBeError(404, "Not found").MustNotRepeat(mark);
        }
    }

    [Fact]
    public async Task An_unexpected_body_is_ignored()
    {
        using var user = await server.NewUserAsync();
        var one = Answers.One(await user.CreateSecretAsync("n"));
        const string Garbage = "{{{\u0000 garbage";

        (await user.SendAsync(HttpMethod.Get, Answers.Secrets, Garbage)).MustBeList();
        (await user.SendAsync(HttpMethod.Get, one, Garbage)).MustBeSecret();
        using var text = new StringContent(Garbage, Encoding.Unicode, "text/plain");
        Assert.Equal("{}", (await user.SendAsync(HttpMethod.Delete, one, text)).MustBe(200).Body);
    }

    [Theory]
    [InlineData("If-Match", "MARK")]
    [InlineData("Accept", "application/MARK")]
    [InlineData("Accept", "text/html, application/xml;q=0.9")]
    [InlineData("Accept-Encoding", "MARK")]
    [InlineData("Accept-Language", "MARK")]
    [InlineData("Accept-Charset", "utf-16")]
    [InlineData("Range", "bytes=0-1")]
    [InlineData("If-None-Match", "*")]
    [InlineData("If-Modified-Since", "MARK")]
    [InlineData("X-HTTP-Method-Override", "DELETE")]
    [InlineData("traceparent", "MARK")]
    [InlineData("Origin", "https://MARK")]
    [InlineData("Cookie", "MARK=MARK")]
    [InlineData("X-Forwarded-For", "MARK")]
    public async Task Irrelevant_headers_are_ignored(string name, string value)
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("n");
        var plain = await user.GetAsync(Answers.One(id));
        var mark = $"MARK{Guid.NewGuid():N}";

        var answer = await user.SendAsync(
            HttpMethod.Get, Answers.One(id), (string?)null, (name, value.Replace("MARK", mark, StringComparison.Ordinal)));

        answer.MustNotRepeat(mark).MustBeSecret();
        Assert.Equal(plain.Body, answer.Body);
        Assert.Equal(Names(plain), Names(answer), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("POST", false)]
    [InlineData("PATCH", false)]
    [InlineData("POST", true)]
    [InlineData("PATCH", true)]
    public async Task Ten_megabytes_are_413(string method, bool inChunks)
    {
        using var user = await server.NewUserAsync();
        var path = method is "POST" ? Answers.Secrets : Answers.One(await user.CreateSecretAsync("n"));
        var mark = $"MARK-{Guid.NewGuid():N}";
        var start = Encoding.ASCII.GetBytes($$"""{"secret_name": "{{mark}}", "secret_value": "{{mark}}""");
        var body = new byte[TenMegabytes];
        body.AsSpan().Fill((byte)'x');
        start.CopyTo(body, 0);

        var answer = inChunks
            ? await RawHttp.SendAsync(
                server.Address, Head(user, method, path, "Transfer-Encoding: chunked"), Ascii($"{TenMegabytes:x}\r\n"), body, Ascii("\r\n0\r\n\r\n"))
            : await RawHttp.SendAsync(server.Address, Head(user, method, path, $"Content-Length: {TenMegabytes}"), body);

        MustBeTooLarge(answer, mark);
    }

    /// <summary>A client with Expect: 100-continue need not send the body.</summary>
    [Fact]
    public async Task Ten_megabytes_are_413_before_they_are_sent()
    {
        using var user = await server.NewUserAsync();

        var answer = await RawHttp.SendAsync(
            server.Address, Head(user, "POST", Answers.Secrets, $"Content-Length: {TenMegabytes}\r\nExpect: 100-continue"));

        MustBeTooLarge(answer, "MARK");
    }

    [Fact]
    public async Task A_large_body_of_legal_members_fits()
    {
        using var user = await server.NewUserAsync();
        var escaped = string.Concat(Enumerable.Repeat("\\ud83d\\udd11", 1024));
        var members = string.Join(',', new[] { "secret_name", "secret_value", "tool_name", "tool_arg" }.Select(name => $"\"{name}\": \"{escaped}\""));

        (await user.SendAsync(HttpMethod.Post, Answers.Secrets, $"{{{members}}}")).MustBeSecret();
    }

    /// <summary>Requests that Kestrel itself refuses, as docs/api.md documents.</summary>
    public static TheoryData<string, string> Broken() => new()
    {
        { "a URL of 100 kB", $"GET /api/v1/secrets/{new string('a', 100_000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" },
        { "a query of 100 kB", $"GET /api/v1/secrets?a={new string('a', 100_000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" },
        { "a header of 100 kB", $"GET /api/v1/secrets HTTP/1.1\r\nHost: x\r\nX: {new string('a', 100_000)}\r\nConnection: close\r\n\r\n" },
        { "1,000 headers", $"GET /api/v1/secrets HTTP/1.1\r\nHost: x\r\n{string.Concat(Enumerable.Range(0, 1000).Select(i => $"X{i}: a\r\n"))}Connection: close\r\n\r\n" },
        { "no host", "GET /api/v1/secrets HTTP/1.1\r\nConnection: close\r\n\r\n" },
        { "two hosts", "GET /api/v1/secrets HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n" },
        { "NUL in the path", "GET /api/v1/secrets/%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" },
        { "NUL in the line", "GET /api/v1/secrets/\0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" },
        { "HTTP/9.9", "GET /api/v1/secrets HTTP/9.9\r\nHost: x\r\nConnection: close\r\n\r\n" },
        { "no HTTP", "MARK MARK MARK MARK\r\n\r\n" },
        { "TLS", "\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00FC\u0003\u0003\r\n\r\n" },
        { "length and chunks", "POST /api/v1/secrets HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked, MARK\r\nConnection: close\r\n\r\n0\r\n\r\n" },
        { "a length that is no number", "POST /api/v1/secrets HTTP/1.1\r\nHost: x\r\nContent-Length: MARK\r\nConnection: close\r\n\r\n" },
        { "a negative length", "POST /api/v1/secrets HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\nConnection: close\r\n\r\n" },
        { "a stray line break in a header", "GET /api/v1/secrets HTTP/1.1\r\nHost: x\r\nX: a\rb\r\nConnection: close\r\n\r\n" },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task Broken_HTTP_is_refused_and_the_service_keeps_running(string what, string request)
    {
        var answer = await RawHttp.SendAsync(server.Address, Encoding.Latin1.GetBytes(request));

        Assert.True(answer.Status is 400 or 414 or 431 or 505, $"{what}: {answer}");
        Assert.Empty(answer.Body);
        Assert.DoesNotContain("MARK", $"{answer}", StringComparison.Ordinal);
        using var user = await server.NewUserAsync();
        Assert.Empty((await user.GetAsync(Answers.Secrets)).MustBeList());
    }

    /// <summary>Requests with a valid credential whose fault shows only while the body is read.</summary>
    [Theory]
    [InlineData("Transfer-Encoding: chunked", "MARK\r\n")]
    [InlineData("Transfer-Encoding: chunked", "5\r\n{\"secMARK\r\n")]
    [InlineData("Transfer-Encoding: chunked", "ffffffffffffffff\r\n{")]
    public async Task A_broken_chunk_is_400(string header, string body)
    {
        using var user = await server.NewUserAsync();

        var answer = await RawHttp.SendAsync(server.Address, Head(user, "POST", Answers.Secrets, header), Ascii(body));

        Assert.True(answer.Status == 400, $"{answer}");
        Assert.Contains("no-store", answer.Head, StringComparison.Ordinal);
        Assert.NotNull(JsonNode.Parse(answer.Body)!.Text("detail"));
        Assert.DoesNotContain("MARK", $"{answer}", StringComparison.Ordinal);
    }

    /// <summary>The server reads the two parts one by one: the fault is in the second.</summary>
    [Theory]
    [InlineData("2\r\n{}\r\n0\r\nXy", "MARK\r\n\r\n")]
    [InlineData("2;name", "=MARK\n{}\r\n0\r\n\r\n")]
    [InlineData("2\r\n{", "}MARK\r\n0\r\n\r\n")]
    [InlineData("2\r\n{}\r\n0\r\nXy: z\r", "MARK\r\n\r\n")]
    public async Task A_broken_chunk_or_trailer_in_two_parts_is_400(string first, string second)
    {
        using var user = await server.NewUserAsync();

        var answer = await RawHttp.SendAsync(
            server.Address, TimeSpan.FromMilliseconds(100), Head(user, "POST", Answers.Secrets, "Transfer-Encoding: chunked"), Ascii(first), Ascii(second));

        Assert.True(answer.Status == 400, $"{answer}");
        Assert.DoesNotContain("MARK", $"{answer}", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/api/v1/secrets/%ff")]
    [InlineData("/api/v1/secrets/%")]
    [InlineData("/api/v1/secrets/%zz")]
    [InlineData("/api/v1/secrets/%c0%af")]
    [InlineData("/api/v1/secrets/%ed%a0%80")]
    [InlineData("/api/v1/secrets/..%2f..%2fhealth")]
    [InlineData("/api/v1/secrets/a/../../../..")]
    [InlineData("//")]
    [InlineData("//api//v1//secrets//x")]
    [InlineData("/api/v1/secrets/;a=b")]
    [InlineData("/api/v1/secrets?limit=%zz")]
    [InlineData("/api/v1/secrets?cursor=%ff%fe")]
    [InlineData("http://elsewhere.example/api/v1/secrets/x")]
    [InlineData("*")]
    public async Task Odd_request_targets_get_a_client_error(string target)
    {
        using var user = await server.NewUserAsync();

        var answer = await RawHttp.SendAsync(server.Address, Head(user, "GET", target, "Accept: */*"));

        Assert.True(answer.Status is >= 400 and < 500, $"{answer}");
    }

    private static IEnumerable<string> Names(Answer answer) =>
        answer.Headers.Concat(answer.ContentHeaders).Select(header => header.Key).Order(StringComparer.Ordinal);

    private static void MustBeTooLarge(RawAnswer answer, string mark)
    {
        Assert.True(answer.Status == 413, $"{answer}");
        Assert.Contains("Cache-Control: no-store", answer.Head, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Content-Type: application/json", answer.Head, StringComparison.OrdinalIgnoreCase);
        var (name, detail) = Assert.Single(JsonNode.Parse(answer.Body)!.AsObject());
        Assert.Equal("detail", name);
        Assert.NotEmpty(detail!.GetValue<string>());
        Assert.DoesNotContain(mark, $"{answer}", StringComparison.Ordinal);
    }

    private static ReadOnlyMemory<byte> Head(ApiClient user, string method, string path, string header) => Ascii(
        $"{method} {path} HTTP/1.1\r\nHost: localhost\r\nx-api-key: {user.Key}\r\nContent-Type: application/json\r\n{header}\r\nConnection: close\r\n\r\n");

    private static ReadOnlyMemory<byte> Ascii(string text) => Encoding.ASCII.GetBytes(text);
}
