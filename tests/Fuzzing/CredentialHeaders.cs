using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Secrets.Infrastructure.Credentials.Tokens;
using Secrets.TestKit;
using Secrets.TestKit.Tokens;

namespace Secrets.Fuzzing.Tests;

/// <summary>
/// The reader of credentials. An input is a word, a line feed and the rest. After the word <c>signed</c> the rest is the header and the claims of
/// a token, separated by a line feed; the target signs them. Otherwise the word names an HTTP header, and the rest is its value, byte by byte.
/// An independent reader must accept every accepted credential, with the same subject.
/// </summary>
internal sealed class CredentialHeaders : IFuzzTarget
{
    private const string Signed = "signed";
    private const string Claims = """{"sub":"fuzz","exp":4102444800}""";
    private const string Bearer = "Bearer ";

    /// <summary>One in 50 refused tokens is sent over HTTP. The others go directly to the service's reader, which is a hundred times as fast.</summary>
    private const int Share = 50;

    private static readonly string[] Headers = ["authorization", "token", "x-api-key"];
    private static readonly TestKey Key = TestKey.Shared(FuzzedService.SigningKey);
    private static readonly Trust Trust = new(Issuer: null, Audiences: [], [VerificationKey.FromSecret(FuzzedService.SigningKey)]);
    private static readonly TokenClaims Reader = new(Options.Create(new JwtOptions()));

    private readonly Installation _installation;
    private readonly ServiceInProcess _service;
    private readonly HttpClient _http;
    private readonly HashSet<string> _refusals = new(StringComparer.Ordinal);
    private int _tried;

    private CredentialHeaders(Installation installation, ServiceInProcess service, HttpClient http) =>
        (_installation, _service, _http) = (installation, service, http);

    public string Name => "credentials";

    public IReadOnlyList<byte[]> Dictionary { get; } =
    [
        .. new[]
        {
            ".", "..", "=", "-", "_", "ey", "ew", Bearer, "bearer\t", " ", ",", "null", "[]", "{}", "0", "-1", "1e400", "4102444800", "253402300799", "253402300800", "\"\"", "\"\\ud800\"", "\"\\u0000\"",
            "\"alg\":", "\"HS256\"", "\"none\"", "\"RS256\"", "\"kid\":", "\"typ\":", "\"JWT\"", "\"at+jwt\"", "\"crit\":", "\"jwk\":", "\"b64\":", "\"zip\":", "\"sub\":", "\"iss\":", "\"aud\":", "\"exp\":", "\"nbf\":", "\"iat\":",
            "\"scope\":", "\"scp\":", "\"secrets:read\"", "\"organizations\":", """[{"id":"a","role":"admin","workspaces":["w"]}]""", "[[[[[[[[[[", "\uFEFF", "sk_", Installation.Key,
        }.Select(Encoding.UTF8.GetBytes),
        [0xFF], [0xA0], [0xED, 0xA0, 0x80], [0xC0, 0x80],
    ];

    public IReadOnlyList<byte[]> Seeds { get; } =
    [
        .. new[]
        {
            "signed\n{\"alg\":\"HS256\",\"typ\":\"JWT\"}\n" + Claims,
            "signed\n{\"alg\":\"HS256\",\"kid\":\"a\"}\n"
                + """{"iss":"i","aud":["a"],"sub":"fuzz","iat":1,"nbf":1,"exp":4102444800,"scope":"secrets:read","organizations":[{"id":"a","role":"admin","workspaces":["w"]}]}""",
            $"authorization\n{Bearer}{Token.Sign(Key, """{"alg":"HS256"}""", Claims)}",
            $"token\n{Token.Sign(Key, """{"alg":"HS256"}""", Claims)}",
            $"x-api-key\n{Installation.Key}",
            "authorization\nBasic YTpi",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    public static async Task<CredentialHeaders> StartAsync()
    {
        var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        var service = installation.StartHere(settings: FuzzedService.Settings);
        var handler = new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1 };
        return new CredentialHeaders(installation, service, new HttpClient(handler) { BaseAddress = await service.AddressAsync() });
    }

    public async Task<string> TryAsync(byte[] input)
    {
        var end = Array.IndexOf(input, (byte)'\n');
        var word = end < 0 ? "" : Encoding.Latin1.GetString(input.AsSpan(0, end));
        var rest = end < 0 ? input : input[(end + 1)..];
        var header = Array.Find(Headers, one => string.Equals(one, word, StringComparison.Ordinal)) ?? Headers[input.Length % Headers.Length];
        var text = string.Equals(word, Signed, StringComparison.Ordinal) ? Sign(rest) : Encoding.Latin1.GetString(rest);

        // HttpClient cannot send these characters. The tests with RawHttp do.
        text = text.Replace('\r', ' ').Replace('\n', ' ').Replace('\0', ' ');
        var refusal = Read(Credential(text));
        if (refusal is not null && !_refusals.Add(refusal) && ++_tried % Share != 0)
        {
            return refusal;
        }

        var answer = await SendAsync(header, text);
        Assert.False(refusal is not null && answer.StartsWith("200", StringComparison.Ordinal), $"refused by the reader, accepted over HTTP: {refusal}");
        return refusal ?? answer;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _service.DisposeAsync();
        _installation.Dispose();
    }

    /// <summary>The reason why a token is refused, or null if the text is accepted or no token.</summary>
    private static string? Read(string text)
    {
        try
        {
            if (CompactToken.HasForm(text))
            {
                var token = CompactToken.Read(text);
                Trust.RequireSigned(token);
                Reader.Read(token.Claims, Trust, DateTimeOffset.UtcNow);
            }

            return null;
        }
        catch (RefusedTokenException refused)
        {
            return refused.Message;
        }
    }

    private async Task<string> SendAsync(string header, string text)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/me");
        Assert.True(request.Headers.TryAddWithoutValidation(header, text));
        using var response = await _http.SendAsync(request);
        var answer = await response.Content.ReadAsStringAsync();
        var status = (int)response.StatusCode;
        Assert.True(status is 200 or 400 or 401 or 431, $"{header}: {status}");
        if (status == 200)
        {
            var credential = JsonNode.Parse(answer)!["credential"]!;
            Assert.True(
                IsTheKey(text) || string.Equals(SubjectOf(text), credential["subject"]?.GetValue<string>(), StringComparison.Ordinal),
                $"accepted: {answer}");
        }

        return $"{status} {(status == 200 ? JsonNode.Parse(answer)!["scopes"]!.ToJsonString() : "")}";
    }

    private static string Sign(byte[] rest)
    {
        var end = Array.IndexOf(rest, (byte)'\n');
        var (header, claims) = end < 0 ? (rest, Encoding.UTF8.GetBytes(Claims)) : (rest[..end], rest[(end + 1)..]);
        var input = $"{Base64Url.EncodeToString(header)}.{Base64Url.EncodeToString(claims)}";
        return $"{input}.{Base64Url.EncodeToString(HMACSHA256.HashData(FuzzedService.SigningKey, Encoding.ASCII.GetBytes(input)))}";
    }

    private static string Credential(string text)
    {
        text = text.Trim(' ', '\t');
        return text.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? text[Bearer.Length..].Trim(' ', '\t') : text;
    }

    private static bool IsTheKey(string text) => string.Equals(Credential(text), Installation.Key, StringComparison.Ordinal);

    /// <summary>The subject of a token with a valid signature, by the readers of .NET.</summary>
    private static string? SubjectOf(string text)
    {
        var parts = Credential(text).Split('.');
        Assert.Equal(3, parts.Length);
        Assert.Equal(Base64Url.EncodeToString(HMACSHA256.HashData(FuzzedService.SigningKey, Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"))), parts[2]);
        var strict = new JsonDocumentOptions { AllowDuplicateProperties = false };
        using var header = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[0]), strict);
        using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[1]), strict);
        Assert.Equal("HS256", header.RootElement.GetProperty("alg").GetString());
        Assert.True(claims.RootElement.GetProperty("exp").GetDouble() > DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 120, "expired");
        return claims.RootElement.GetProperty("sub").GetString();
    }
}
