namespace Secrets.Infrastructure.Encryption;

/// <summary>Rows were changed outside the service. The message says which, in words for the log; nothing in them is to be acted on.</summary>
internal sealed class TamperedException(string message) : Exception(message)
{
    private const int MaxNameLength = 80;

    /// <summary>A name from a row that somebody else may have written, fit for a line of a log.</summary>
    public static string Quote(string name)
    {
        var shown = Printable(name);
        return $"'{shown[..Math.Min(shown.Length, MaxNameLength)]}'";
    }

    /// <summary>A text from a row that somebody else may have written, without what a terminal would obey.</summary>
    public static string Printable(string text) => string.Concat(text.Where(character => !char.IsControl(character)));
}
