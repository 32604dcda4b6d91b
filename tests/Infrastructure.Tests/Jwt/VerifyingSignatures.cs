using System.Buffers.Text;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.Tokens;
using Secrets.Infrastructure.Credentials.Tokens;
using Secrets.TestKit.Tokens;

namespace Secrets.Infrastructure.Tests.Jwt;

public sealed class VerifyingSignatures
{
    // RFC 7515, appendices A.1, A.2 and A.3: one payload, three keys.
    private const string Payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

    private const string HmacSecret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    private const string HmacToken = $"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{Payload}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    private const string EcKey = """{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}""";
    private const string EcToken = $"eyJhbGciOiJFUzI1NiJ9.{Payload}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    private const string RsaKey = """{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}""";
    private const string RsaToken = $"eyJhbGciOiJSUzI1NiJ9.{Payload}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

    [Fact]
    public void The_examples_of_RFC_7515_verify_with_their_own_keys_and_no_other()
    {
        var keys = new Dictionary<string, VerificationKey>
        {
            [HmacToken] = VerificationKey.FromSecret(Base64Url.DecodeFromChars(HmacSecret)),
            [RsaToken] = VerificationKey.FromPublished(new JsonWebKey(RsaKey))!,
            [EcToken] = VerificationKey.FromPublished(new JsonWebKey(EcKey))!,
        };
        foreach (var (token, own) in keys)
        {
            foreach (var key in keys.Values)
            {
                Assert.Equal(key == own, key.Verifies(CompactToken.Read(token)));
            }
        }
    }

    [Theory]
    [InlineData(HmacToken)]
    [InlineData(EcToken)]
    [InlineData(RsaToken)]
    public void Whatever_one_character_is_changed_to_the_token_is_refused(string token)
    {
        var trust = new Trust(null, [], [
            VerificationKey.FromSecret(Base64Url.DecodeFromChars(HmacSecret)),
            VerificationKey.FromPublished(new JsonWebKey(RsaKey))!,
            VerificationKey.FromPublished(new JsonWebKey(EcKey))!,
        ]);
        trust.RequireSigned(CompactToken.Read(token));
        for (var at = 0; at < token.Length; at++)
        {
            foreach (var character in "A_z9.=+ ")
            {
                if (token[at] != character)
                {
                    var changed = $"{token[..at]}{character}{token[(at + 1)..]}";
                    Assert.Throws<RefusedTokenException>(() => trust.RequireSigned(CompactToken.Read(changed)));
                }
            }
        }
    }

    [Theory]
    [InlineData("RS256", "RS256 RS384 RS512 PS256 PS384 PS512")]
    [InlineData("ES256", "ES256")]
    [InlineData("ES384", "ES384")]
    [InlineData("ES512", "ES512")]
    public void A_published_key_serves_the_algorithms_of_its_kind_and_no_other(string kind, string expected)
    {
        var signing = TestKey.For(kind);
        var key = VerificationKey.FromPublished(new JsonWebKey(signing.PublicJwk().ToJsonString()))!;
        string[] all = ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "ES256K", "EdDSA", "none"];
        Assert.Equal(expected.Split(' '), all.Where(key.Supports));
        Assert.All(expected.Split(' '), algorithm =>
            Assert.True(key.Verifies(CompactToken.Read(Token.Sign(signing, [], algorithm))), algorithm));
    }

    [Fact]
    public void A_published_key_that_names_its_algorithm_serves_that_one()
    {
        var jwk = TestKey.For("RS256").PublicJwk();
        jwk["alg"] = "PS256";
        var key = VerificationKey.FromPublished(new JsonWebKey(jwk.ToJsonString()))!;
        Assert.True(key.Supports("PS256"));
        Assert.False(key.Supports("RS256"));
    }

    public static TheoryData<string> UselessKeys =>
    [
        """{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}""",
        """{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}""",
        """{"kty":"RSA"}""",
        """{"kty":"RSA","n":"AQAB","e":"AQAB"}""",
        """{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}""",
        """{"kty":"EC","crv":"secp256k1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}""",
        """{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}""",
        EcKey.Replace("{", """{"use":"enc",""", StringComparison.Ordinal),
        EcKey.Replace("{", """{"key_ops":["sign"],""", StringComparison.Ordinal),
        EcKey.Replace("{", """{"alg":"ES384",""", StringComparison.Ordinal),
        EcKey.Replace("{", """{"alg":"HS256",""", StringComparison.Ordinal),
        TestKey.For("RS256", rsaBits: 1024).PublicJwk().ToJsonString(),
        "{}",
    ];

    [Theory]
    [MemberData(nameof(UselessKeys))]
    public void A_published_key_that_cannot_be_used_is_left_out(string jwk) => Assert.Null(VerificationKey.FromPublished(new JsonWebKey(jwk)));

    [Fact]
    public void One_key_verifies_for_many_at_once()
    {
        var signing = TestKey.For("RS256");
        var key = VerificationKey.FromPublished(new JsonWebKey(signing.PublicJwk().ToJsonString()))!;
        var right = CompactToken.Read(Token.Sign(signing, new JsonObject { ["sub"] = "a" }));
        var wrong = CompactToken.Read(Token.Sign(TestKey.For("RS256"), new JsonObject { ["sub"] = "a" }));
        Parallel.For(0, 400, at => Assert.Equal(at % 2 == 0, key.Verifies(at % 2 == 0 ? right : wrong)));
    }
}
