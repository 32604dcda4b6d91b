namespace Secrets.Domain.Text;

/// <summary>Texts that callers must repeat exactly: names of tools and arguments, identifiers of organisations, settings.</summary>
public static class ExactText
{
    /// <summary>
    /// Whether the text is not empty, neither begins nor ends with white space, and has no control characters.
    /// Such characters are invisible and easily lost in transit.
    /// </summary>
    public static bool IsClean(string text) =>
        text.Length > 0 && !char.IsWhiteSpace(text[0]) && !char.IsWhiteSpace(text[^1]) && !text.Any(char.IsControl);
}
