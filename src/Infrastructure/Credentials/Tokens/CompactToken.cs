using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>
/// A parsed JWT in compact form (RFC 7515), not yet trusted. Parsing is strict: a token has exactly one valid text, so no other parser can read that
/// text differently.
/// </summary>
internal sealed class CompactToken
{
    /// <summary>Maximum length in characters. Proxies accept about this much in one header.</summary>
    public const int MaxLength = 8 * 1024;

    private const int MaxDepth = 8;

    /// <summary>All supported algorithms; each key allows a subset. EdDSA is missing because the library does not implement it.</summary>
    private static readonly string[] Algorithms =
        ["HS256", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    // A logout token or a security event token is not a credential, even with a trusted signature (RFC 8725, 3.11).
    private static readonly string[] Types = ["JWT", "at+jwt", "application/jwt", "application/at+jwt"];

    // A key that the token itself contains or links proves nothing about the issuer.
    private static readonly string[] KeyHeaders = ["jwk", "jku", "x5c", "x5u"];

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    private CompactToken(string algorithm, string? keyId, JsonElement claims, byte[] signingInput, byte[] signature)
    {
        Algorithm = algorithm;
        KeyId = keyId;
        Claims = claims;
        SigningInput = signingInput;
        Signature = signature;
    }

    /// <summary>The algorithm that the token names, one of the supported.</summary>
    public string Algorithm { get; }

    /// <summary>The key id that the token names; null if it names none.</summary>
    public string? KeyId { get; }

    /// <summary>The payload, a JSON object.</summary>
    public JsonElement Claims { get; }

    /// <summary>The raw JSON text of the subject; null if absent or not a text.</summary>
    public string? Subject => Claims.TryGetProperty("sub", out var subject) && subject.ValueKind == JsonValueKind.String ? subject.GetRawText() : null;

    /// <summary>The signed bytes: header and payload as sent.</summary>
    public byte[] SigningInput { get; }

    public byte[] Signature { get; }

    /// <summary>
    /// Whether a credential looks like a JWT. The header is a JSON object. In base64url, a brace and a quotation mark start with <c>ey</c>, a brace and
    /// white space with <c>ew</c>. No API key starts with either.
    /// </summary>
    public static bool HasForm(string text) => text is ['e', 'y' or 'w', ..] && text.Contains('.', StringComparison.Ordinal);

    /// <summary>Parses a token.</summary>
    /// <exception cref="RefusedTokenException">The text is malformed, or the token requires an unsupported feature.</exception>
    public static CompactToken Read(string text)
    {
        var parts = text.Length <= MaxLength ? text.Split('.') : throw new RefusedTokenException($"has more than {MaxLength} characters");
        if (parts.Length != 3)
        {
            throw new RefusedTokenException(parts.Length == 5 ? "is encrypted (five parts)" : "does not have three parts");
        }

        var header = Json(parts[0], "header");
        var algorithm = AlgorithmOf(header);
        RefuseExtensions(header);
        return new CompactToken(
            algorithm,
            header.TryGetProperty("kid", out var keyId) ? keyId.Text("kid") : null,
            Json(parts[1], "payload"),
            Encoding.ASCII.GetBytes(text[..text.LastIndexOf('.')]),
            parts[2].Length > 0 ? Bytes(parts[2], "signature") : throw new RefusedTokenException("is not signed (no signature)"));
    }

    private static string AlgorithmOf(JsonElement header)
    {
        var algorithm = header.TryGetProperty("alg", out var alg) ? alg.Text("alg") : throw new RefusedTokenException("names no algorithm");
        return Array.Exists(Algorithms, known => string.Equals(known, algorithm, StringComparison.Ordinal)) ? algorithm
            : string.Equals(algorithm, "none", StringComparison.OrdinalIgnoreCase) ? throw new RefusedTokenException("is not signed (alg none)")
            : throw new RefusedTokenException("uses an unsupported algorithm");
    }

    private static void RefuseExtensions(JsonElement header)
    {
        if (Array.Find(KeyHeaders, name => header.TryGetProperty(name, out _)) is { } foreign)
        {
            throw new RefusedTokenException($"carries its own key ({foreign})");
        }

        if (header.TryGetProperty("crit", out _))
        {
            throw new RefusedTokenException("uses an unsupported critical extension (crit)");
        }

        if (header.TryGetProperty("typ", out var type)
            && !Types.Contains(type.Text("typ"), StringComparer.OrdinalIgnoreCase))
        {
            throw new RefusedTokenException("has an unsupported type (typ)");
        }
    }

    private static JsonElement Json(string part, string what)
    {
        var bytes = Bytes(part, what);
        try
        {
            // The parser does not validate UTF-8 in strings until they are read.
            var json = Utf8.IsValid(bytes) ? JsonElement.Parse(bytes, Strict) : throw new JsonException();
            return json.ValueKind == JsonValueKind.Object ? json : throw new JsonException();
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an unpaired surrogate in a member name.
            throw new RefusedTokenException($"is malformed: the {what} is not a JSON object, or repeats a member");
        }
    }

    /// <summary>The decoder accepts padding and white space, so one token would have many texts. Encoding again refuses these.</summary>
    private static byte[] Bytes(string part, string what)
    {
        try
        {
            var bytes = Base64Url.DecodeFromChars(part);
            return string.Equals(Base64Url.EncodeToString(bytes), part, StringComparison.Ordinal) ? bytes : throw new FormatException();
        }
        catch (FormatException)
        {
            throw new RefusedTokenException($"is malformed: the {what} is not base64url");
        }
    }
}
