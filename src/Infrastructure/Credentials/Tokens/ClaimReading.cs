using System.Text.Json;

namespace Secrets.Infrastructure.Credentials.Tokens;

internal static class ClaimReading
{
    /// <summary>Reads a text.</summary>
    /// <exception cref="RefusedTokenException">The element is not a text, or has an unpaired surrogate.</exception>
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
            // An escaped unpaired surrogate.
        }

        throw new RefusedTokenException($"has a malformed {name}");
    }

    /// <summary>Reads one text or a list of texts.</summary>
    /// <exception cref="RefusedTokenException">The element is neither.</exception>
    public static IReadOnlyList<string> Texts(this JsonElement element, string name) => element.ValueKind == JsonValueKind.Array
        ? [.. element.EnumerateArray().Select(item => item.Text(name))]
        : [element.Text(name)];

    /// <summary>Reads a moment in seconds since 1970, with or without fraction; null if the claim is absent.</summary>
    /// <exception cref="RefusedTokenException">The claim is not a representable moment.</exception>
    public static DateTimeOffset? Moment(this JsonElement claims, string name)
    {
        if (!claims.TryGetProperty(name, out var element))
        {
            return null;
        }

        return element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out var seconds) && seconds is >= 0 and < 253_402_300_800
            ? DateTimeOffset.UnixEpoch.AddSeconds(seconds)
            : throw new RefusedTokenException($"has a malformed {name}");
    }
}
