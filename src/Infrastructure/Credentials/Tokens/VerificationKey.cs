using System.Collections.Frozen;
using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>
/// A key that verifies signatures, with the algorithms that it serves. They follow from the key and never from a token: else an RSA key, which
/// everybody knows, could be passed off as the secret of an HMAC.
/// </summary>
internal sealed class VerificationKey
{
    private const int MinRsaBits = 2048;

    private static readonly string[] RsaAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

    // Providers are kept here, with their key, and not in the library's cache, which goes by the key's id.
    private static readonly CryptoProviderFactory Factory = new() { CacheSignatureProviders = false };

    private readonly FrozenDictionary<string, SignatureProvider> _providers;

    private VerificationKey(string? id, SecurityKey key, IEnumerable<string> algorithms)
    {
        Id = id;
        _providers = algorithms.ToFrozenDictionary(
            algorithm => algorithm, algorithm => Factory.CreateForVerifying(key, algorithm), StringComparer.Ordinal);
    }

    /// <summary>The <c>kid</c> that stands for it; null: it has none and may be meant by any.</summary>
    public string? Id { get; }

    /// <summary>A shared secret, for HS256.</summary>
    public static VerificationKey FromSecret(byte[] secret) => new(id: null, new SymmetricSecurityKey(secret), ["HS256"]);

    /// <summary>A published key; null: it is not for signatures, too weak, broken, or of a kind that is not known.</summary>
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

            // Whether its numbers make a key shows only when it is used.
            _ = made._providers.Values.Select(provider => provider.Verify([0], [0])).ToList();
            return made._providers.Count > 0 ? made : null;
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException or FormatException or NotSupportedException
            or InvalidOperationException or SecurityTokenException)
        {
            return null;
        }
    }

    /// <summary>Whether the key is for that algorithm.</summary>
    public bool Serves(string algorithm) => _providers.ContainsKey(algorithm);

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
