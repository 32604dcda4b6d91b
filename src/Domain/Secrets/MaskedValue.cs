namespace Secrets.Domain.Secrets;

/// <summary>
/// What people see of a value: its first and last few characters, the more the longer it is, and never its length.
/// </summary>
public static class MaskedValue
{
    private const string Hidden = "****";
    private const string Gap = "...";

    /// <summary>The longest mask, in UTF-16 units: four code points, the gap, four code points.</summary>
    public const int MaxLength = 19;

    /// <summary>Masks a value. Under five code points nothing of it is shown.</summary>
    public static string Of(SecretValue value)
    {
        var runes = value.Reveal().EnumerateRunes().ToArray();
        var shown = runes.Length switch
        {
            >= 24 => 4,
            >= 12 => 2,
            >= 5 => 1,
            _ => 0,
        };
        return shown == 0 ? Hidden : $"{string.Concat(runes.Take(shown))}{Gap}{string.Concat(runes.TakeLast(shown))}";
    }
}
