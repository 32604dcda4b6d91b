using System.Text.Json;

namespace Secrets.Infrastructure.Credentials.Tokens;

internal static class ClaimReading
{
    /// <summary>A text in a token.</summary>
    /// <exception cref="RefusedTokenException">It is none, or holds what cannot be stored.</exception>
    public static string Text(this JsonElement element, string name)
    {
        try
        {
            if (element.ValueKind == JsonValueKind.String && element.GetString() is { } text)
            {
                return text;
            }
        }
        catch (InvalidOperationException)
        {
            // An unpaired surrogate, escaped.
        }

        throw new RefusedTokenException($"with a malformed {name}");
    }

    /// <summary>A text, or each of a list of texts.</summary>
    /// <exception cref="RefusedTokenException">It is neither.</exception>
    public static IReadOnlyList<string> Texts(this JsonElement element, string name) => element.ValueKind == JsonValueKind.Array
        ? [.. element.EnumerateArray().Select(item => item.Text(name))]
        : [element.Text(name)];

    /// <summary>A moment in seconds since 1970, whole or not; null where there is none.</summary>
    /// <exception cref="RefusedTokenException">It is no moment that can be represented.</exception>
    public static DateTimeOffset? Moment(this JsonElement claims, string name)
    {
        if (!claims.TryGetProperty(name, out var element))
        {
            return null;
        }

        return element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out var seconds) && seconds is >= 0 and < 253_402_300_800
            ? DateTimeOffset.UnixEpoch.AddSeconds(seconds)
            : throw new RefusedTokenException($"with a malformed {name}");
    }
}
