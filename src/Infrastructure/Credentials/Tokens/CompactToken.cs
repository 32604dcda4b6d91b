using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>
/// A signed JWT in compact form (RFC 7515), taken apart: nothing in it is believed yet. It is read strictly, so that no two texts are the
/// same token and no other reader sees another token in it.
/// </summary>
internal sealed class CompactToken
{
    /// <summary>Characters of the longest token; about what proxies let through in one header.</summary>
    public const int MaxLength = 8 * 1024;

    private const int MaxDepth = 8;

    /// <summary>Every algorithm that is known, before a key narrows them down. EdDSA is not: the library has no implementation.</summary>
    private static readonly string[] Algorithms =
        ["HS256", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    // A token of another kind (of a logout, of a security event) is no credential, whoever signed it (RFC 8725, 3.11).
    private static readonly string[] Types = ["JWT", "at+jwt", "application/jwt", "application/at+jwt"];

    // A key that a token brings along, or has us fetch, proves that somebody has a key.
    private static readonly string[] ForeignKeys = ["jwk", "jku", "x5c", "x5u"];

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    private CompactToken(string algorithm, string? keyId, JsonElement claims, byte[] signingInput, byte[] signature)
    {
        Algorithm = algorithm;
        KeyId = keyId;
        Claims = claims;
        SigningInput = signingInput;
        Signature = signature;
    }

    /// <summary>What the token says that it is signed with; one of those that are known.</summary>
    public string Algorithm { get; }

    /// <summary>What the token says about which key; null: nothing.</summary>
    public string? KeyId { get; }

    /// <summary>An object.</summary>
    public JsonElement Claims { get; }

    /// <summary>Whom the token names, as its JSON has it; null: nobody.</summary>
    public string? Subject => Claims.TryGetProperty("sub", out var subject) && subject.ValueKind == JsonValueKind.String ? subject.GetRawText() : null;

    /// <summary>What is signed.</summary>
    public byte[] SigningInput { get; }

    public byte[] Signature { get; }

    /// <summary>
    /// Whether a credential is meant to be a JWT. Its header is JSON, so it begins with a brace and then a quotation mark or white space:
    /// <c>ey</c> or <c>ew</c> in base64url. No API key begins like that.
    /// </summary>
    public static bool HasForm(string text) => text is ['e', 'y' or 'w', ..] && text.Contains('.', StringComparison.Ordinal);

    /// <summary>Takes a token apart.</summary>
    /// <exception cref="RefusedTokenException">It is not of the form, or asks for something that is never done.</exception>
    public static CompactToken Read(string text)
    {
        var parts = text.Length <= MaxLength ? text.Split('.') : throw new RefusedTokenException($"longer than {MaxLength} characters");
        if (parts.Length != 3)
        {
            throw new RefusedTokenException(parts.Length == 5 ? "encrypted (five parts)" : "not of three parts");
        }

        var header = Json(parts[0], "header");
        var algorithm = AlgorithmOf(header);
        RefuseExtensions(header);
        return new CompactToken(
            algorithm,
            header.TryGetProperty("kid", out var keyId) ? keyId.Text("kid") : null,
            Json(parts[1], "payload"),
            Encoding.ASCII.GetBytes(text[..text.LastIndexOf('.')]),
            parts[2].Length > 0 ? Bytes(parts[2], "signature") : throw new RefusedTokenException("not signed (no signature)"));
    }

    private static string AlgorithmOf(JsonElement header)
    {
        var algorithm = header.TryGetProperty("alg", out var alg) ? alg.Text("alg") : throw new RefusedTokenException("without an algorithm");
        return Array.Exists(Algorithms, known => string.Equals(known, algorithm, StringComparison.Ordinal)) ? algorithm
            : string.Equals(algorithm, "none", StringComparison.OrdinalIgnoreCase) ? throw new RefusedTokenException("not signed (alg none)")
            : throw new RefusedTokenException("of an algorithm that is not supported");
    }

    private static void RefuseExtensions(JsonElement header)
    {
        if (Array.Find(ForeignKeys, name => header.TryGetProperty(name, out _)) is { } foreign)
        {
            throw new RefusedTokenException($"with a key of its own ({foreign})");
        }

        if (header.TryGetProperty("crit", out _))
        {
            throw new RefusedTokenException("with an extension that must be understood (crit)");
        }

        if (header.TryGetProperty("typ", out var type)
            && !Types.Contains(type.Text("typ"), StringComparer.OrdinalIgnoreCase))
        {
            throw new RefusedTokenException("of another type (typ)");
        }
    }

    private static JsonElement Json(string part, string what)
    {
        var bytes = Bytes(part, what);
        try
        {
            // The parser itself does not look into strings before they are read.
            var json = Utf8.IsValid(bytes) ? JsonElement.Parse(bytes, Strict) : throw new JsonException();
            return json.ValueKind == JsonValueKind.Object ? json : throw new JsonException();
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The latter for an unpaired surrogate in a member's name.
            throw new RefusedTokenException($"malformed (the {what} is no JSON object with every member once)");
        }
    }

    /// <summary>The decoder takes padding, white space and the like, which would make many texts of one token.</summary>
    private static byte[] Bytes(string part, string what)
    {
        try
        {
            var bytes = Base64Url.DecodeFromChars(part);
            return string.Equals(Base64Url.EncodeToString(bytes), part, StringComparison.Ordinal) ? bytes : throw new FormatException();
        }
        catch (FormatException)
        {
            throw new RefusedTokenException($"malformed (the {what} is not base64url)");
        }
    }
}
