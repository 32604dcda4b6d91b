using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;

namespace Secrets.TestKit.Tokens;

/// <summary>Makes valid and invalid tokens by hand.</summary>
public static class Token
{
    /// <summary>A token that a key signed.</summary>
    /// <param name="key">The key.</param>
    /// <param name="claims">The payload.</param>
    /// <param name="algorithm">Null: the key's own.</param>
    /// <param name="header">Additional members of the header; null removes one.</param>
    public static string Sign(TestKey key, JsonObject claims, string? algorithm = null, JsonObject? header = null)
    {
        var all = new JsonObject { ["alg"] = algorithm ?? key.Algorithm, ["typ"] = "JWT", ["kid"] = key.Id };
        foreach (var (name, value) in header ?? [])
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

        return Sign(key, all.ToJsonString(), claims.ToJsonString(), algorithm);
    }

    /// <summary>A token with exactly these texts.</summary>
    public static string Sign(TestKey key, string header, string claims, string? algorithm = null)
    {
        var input = $"{Encode(header)}.{Encode(claims)}";
        return $"{input}.{Base64Url.EncodeToString(key.Sign(algorithm ?? key.Algorithm, Encoding.ASCII.GetBytes(input)))}";
    }

    /// <summary>A text in base64url.</summary>
    public static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
