namespace Secrets.Domain.Text;

/// <summary>Texts that somebody else has to repeat exactly: the name of a tool or an argument, an organisation's identifier, a setting.</summary>
public static class ExactText
{
    /// <summary>
    /// Whether the text is not empty, neither begins nor ends with white space, and has no control characters. Those get lost on the way, and nobody sees them.
    /// </summary>
    public static bool IsClean(string text) =>
        text.Length > 0 && !char.IsWhiteSpace(text[0]) && !char.IsWhiteSpace(text[^1]) && !text.Any(char.IsControl);
}
