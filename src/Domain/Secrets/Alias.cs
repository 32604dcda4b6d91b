using System.Buffers;
using Secrets.Domain.Text;

namespace Secrets.Domain.Secrets;

/// <summary>The name of an organisation's secret. Configurations and scripts contain aliases, so an alias never changes.</summary>
public static class Alias
{
    /// <summary>Length of an alias.</summary>
    public static readonly TextLength Length = new(1, 255);

    private static readonly SearchValues<char> Letters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

    /// <summary>Whether the text consists of ASCII letters, digits, <c>_</c> and <c>-</c> only.</summary>
    public static bool IsPlain(string text) => !text.AsSpan().ContainsAnyExcept(Letters);
}
