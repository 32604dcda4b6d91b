namespace Secrets.Infrastructure.Encryption;

/// <summary>Rows were changed outside the service, so their content must not be used. The message names the rows and is written for the log.</summary>
internal sealed class TamperedException(string message) : Exception(message)
{
    private const int MaxNameLength = 80;

    /// <summary>Quotes a name from an untrusted row for a log line.</summary>
    public static string Quote(string name)
    {
        var shown = Printable(name);
        return $"'{shown[..Math.Min(shown.Length, MaxNameLength)]}'";
    }

    /// <summary>Removes control characters, which a terminal would obey, from a text of an untrusted row.</summary>
    public static string Printable(string text) => string.Concat(text.Where(character => !char.IsControl(character)));
}
