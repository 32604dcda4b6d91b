namespace Secrets.Application.Common;

/// <summary>Uuids as people send them, in paths, queries and bodies: 32 hexadecimal digits, with the four hyphens or with none.</summary>
public static class Uuids
{
    private const int DigitCount = 32;

    /// <summary>The uuid; null for null and for anything else.</summary>
    public static Guid? Parse(string? text)
    {
        var format = text?.Length == DigitCount ? "N" : "D";

        // Compared, because the framework also takes white space around, and a sign or 0x in place of digits.
        return Guid.TryParseExact(text, format, out var uuid) && string.Equals(uuid.ToString(format), text, StringComparison.OrdinalIgnoreCase) ? uuid : null;
    }
}
