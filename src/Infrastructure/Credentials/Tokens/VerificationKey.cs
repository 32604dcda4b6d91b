using System.Collections.Frozen;
using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>
/// A key that verifies signatures, with its algorithms. They follow from the key, never from a token: otherwise an attacker could use a public RSA key
/// as the secret of an HMAC.
/// </summary>
internal sealed class VerificationKey
{
    private const int MinRsaBits = 2048;

    private static readonly string[] RsaAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

    // Each instance holds its own providers. The library's cache looks providers up by key id, which two keys may share.
    private static readonly CryptoProviderFactory Factory = new() { CacheSignatureProviders = false };

    private readonly FrozenDictionary<string, SignatureProvider> _providers;

    private VerificationKey(string? id, SecurityKey key, IEnumerable<string> algorithms)
    {
        Id = id;
        _providers = algorithms.ToFrozenDictionary(
            algorithm => algorithm, algorithm => Factory.CreateForVerifying(key, algorithm), StringComparer.Ordinal);
    }

    /// <summary>The <c>kid</c> of the key; null matches any.</summary>
    public string? Id { get; }

    /// <summary>Makes an HS256 key from a shared secret.</summary>
    public static VerificationKey FromSecret(byte[] secret) => new(id: null, new SymmetricSecurityKey(secret), ["HS256"]);

    /// <summary>Makes a key from a published key. Returns null if it is not for signatures, too weak, broken, or of an unsupported type.</summary>
    public static VerificationKey? FromPublished(JsonWebKey? key)
    {
        if (key is null || key.HasPrivateKey || key.Use is not (null or "" or "sig") || (key.KeyOps.Count > 0 && !key.KeyOps.Contains("verify")))
        {
            return null;
        }

        try
        {
            var algorithms = AlgorithmsOf(key).Where(algorithm => string.IsNullOrEmpty(key.Alg) || string.Equals(key.Alg, algorithm, StringComparison.Ordinal));
            var made = new VerificationKey(string.IsNullOrEmpty(key.Kid) ? null : key.Kid, key, algorithms);

            // Invalid numbers in a key only fail on use.
            _ = made._providers.Values.Select(provider => provider.Verify([0], [0])).ToList();
            return made._providers.Count > 0 ? made : null;
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException or FormatException or NotSupportedException
            or InvalidOperationException or SecurityTokenException)
        {
            return null;
        }
    }

    /// <summary>Whether the key supports this algorithm.</summary>
    public bool Supports(string algorithm) => _providers.ContainsKey(algorithm);

    /// <summary>Whether the key made the token's signature.</summary>
    public bool Verifies(CompactToken token)
    {
        try
        {
            return _providers.TryGetValue(token.Algorithm, out var provider) && provider.Verify(token.SigningInput, token.Signature);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static string[] AlgorithmsOf(JsonWebKey key) => (key.Kty, key.Crv) switch
    {
        ("RSA", _) when key.KeySize >= MinRsaBits => RsaAlgorithms,
        ("EC", "P-256") => ["ES256"],
        ("EC", "P-384") => ["ES384"],
        ("EC", "P-521") => ["ES512"],
        _ => [],
    };
}
