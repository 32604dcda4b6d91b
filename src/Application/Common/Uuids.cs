namespace Secrets.Application.Common;

/// <summary>Parses uuids in paths, queries and bodies: 32 hexadecimal digits, with all four hyphens or without hyphens.</summary>
public static class Uuids
{
    private const int DigitCount = 32;

    /// <summary>The uuid; null: no uuid.</summary>
    public static Guid? Parse(string? text)
    {
        var format = text?.Length == DigitCount ? "N" : "D";

        // The comparison is needed, because the framework also accepts surrounding white space, and a sign or 0x in place of digits.
        return Guid.TryParseExact(text, format, out var uuid) && string.Equals(uuid.ToString(format), text, StringComparison.OrdinalIgnoreCase) ? uuid : null;
    }
}
