using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Secrets.TestKit.Tokens;

/// <summary>A key that signs tokens. It uses only the runtime's cryptography and none of the code that the service verifies with.</summary>
public sealed class TestKey
{
    private readonly RSA? _rsa;
    private readonly ECDsa? _ec;
    private readonly byte[] _secret = [];

    private TestKey(string id, string algorithm, RSA rsa) => (Id, Algorithm, _rsa) = (id, algorithm, rsa);

    private TestKey(string id, string algorithm, ECDsa ec) => (Id, Algorithm, _ec) = (id, algorithm, ec);

    private TestKey(string id, string algorithm, byte[] secret) => (Id, Algorithm, _secret) = (id, algorithm, secret);

    public string Id { get; }

    /// <summary>The default signing algorithm.</summary>
    public string Algorithm { get; }

    /// <summary>A new key for an algorithm.</summary>
    public static TestKey For(string algorithm, int rsaBits = 2048)
    {
        var id = $"key-{Guid.NewGuid():N}";
        return algorithm switch
        {
            "ES256" => new TestKey(id, algorithm, ECDsa.Create(ECCurve.NamedCurves.nistP256)),
            "ES384" => new TestKey(id, algorithm, ECDsa.Create(ECCurve.NamedCurves.nistP384)),
            "ES512" => new TestKey(id, algorithm, ECDsa.Create(ECCurve.NamedCurves.nistP521)),
            "HS256" => new TestKey(id, algorithm, RandomNumberGenerator.GetBytes(32)),
            _ => new TestKey(id, algorithm, RSA.Create(rsaBits)),
        };
    }

    /// <summary>A key from an existing shared secret.</summary>
    public static TestKey Shared(byte[] secret) => new("shared", "HS256", secret);

    /// <summary>The public key, as an authority publishes it.</summary>
    public JsonObject PublicJwk()
    {
        var jwk = new JsonObject { ["kid"] = Id, ["use"] = "sig" };
        if (_rsa?.ExportParameters(includePrivateParameters: false) is { } rsa)
        {
            (jwk["kty"], jwk["n"], jwk["e"]) = ("RSA", Text(rsa.Modulus!), Text(rsa.Exponent!));
        }
        else if (_ec?.ExportParameters(includePrivateParameters: false) is { } ec)
        {
            (jwk["kty"], jwk["x"], jwk["y"]) = ("EC", Text(ec.Q.X!), Text(ec.Q.Y!));
            jwk["crv"] = Algorithm switch { "ES256" => "P-256", "ES384" => "P-384", _ => "P-521" };
        }

        return jwk;
    }

    /// <summary>The bytes of the public key that an attacker would use as a shared secret.</summary>
    public byte[] PublicPem() => System.Text.Encoding.ASCII.GetBytes(_rsa!.ExportSubjectPublicKeyInfoPem());

    /// <summary>Signs with any algorithm of this kind of key.</summary>
    public byte[] Sign(string algorithm, byte[] data)
    {
        var hash = new HashAlgorithmName($"SHA{algorithm[^3..]}");
        return algorithm[..2] switch
        {
            "RS" => _rsa!.SignData(data, hash, RSASignaturePadding.Pkcs1),
            "PS" => _rsa!.SignData(data, hash, RSASignaturePadding.Pss),
            "ES" => _ec!.SignData(data, hash),
            _ => HMACSHA256.HashData(_secret, data),
        };
    }

    private static string Text(byte[] bytes) => Base64Url.EncodeToString(bytes);
}
