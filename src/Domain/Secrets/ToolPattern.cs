using Secrets.Domain.Text;

namespace Secrets.Domain.Secrets;

/// <summary>
/// The name of one tool, or a pattern. <c>*</c> matches any run of characters, even an empty one, and may appear anywhere and repeatedly.
/// All other characters are literal. The whole name must match, by ordinal comparison.
/// </summary>
public sealed record ToolPattern
{
    /// <summary>Length of a pattern and of a tool's name.</summary>
    public static readonly TextLength Length = new(1, 1024);

    /// <summary>Matches any run of characters.</summary>
    public const char Wildcard = '*';

    private readonly string[] _literals;

    /// <summary>A pattern as its owner wrote it. <c>CreateSecretValidator</c> and <c>UpdateSecretValidator</c> have checked its length.</summary>
    public ToolPattern(string value)
    {
        Value = value;
        _literals = value.Split(Wildcard);
        WildcardCount = _literals.Length - 1;
        LiteralCount = TextLength.Measure(value) - WildcardCount;
    }

    /// <summary>The pattern as written.</summary>
    public string Value { get; }

    /// <summary>Number of wildcards; 0: the name of one tool.</summary>
    public int WildcardCount { get; }

    /// <summary>Number of literal code points.</summary>
    public int LiteralCount { get; }

    /// <summary>Whether the whole name matches.</summary>
    /// <remarks>
    /// Finds the literals between wildcards from left to right, each at its leftmost position. The leftmost match leaves the
    /// most room for the rest, so no backtracking is needed and `*a*a*a*…` takes linear time.
    /// </remarks>
    public bool Matches(string toolName)
    {
        if (_literals.Length == 1)
        {
            return string.Equals(Value, toolName, StringComparison.Ordinal);
        }

        var first = _literals[0];
        var last = _literals[^1];
        if (toolName.Length < first.Length + last.Length
            || !toolName.StartsWith(first, StringComparison.Ordinal)
            || !toolName.EndsWith(last, StringComparison.Ordinal))
        {
            return false;
        }

        var rest = toolName.AsSpan(first.Length, toolName.Length - first.Length - last.Length);
        foreach (var literal in _literals.AsSpan(1, _literals.Length - 2))
        {
            var at = rest.IndexOf(literal, StringComparison.Ordinal);
            if (at < 0)
            {
                return false;
            }

            rest = rest[(at + literal.Length)..];
        }

        return true;
    }

    /// <inheritdoc />
    public bool Equals(ToolPattern? other) => other is not null && string.Equals(Value, other.Value, StringComparison.Ordinal);

    /// <inheritdoc />
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(Value);

    /// <inheritdoc />
    public override string ToString() => Value;
}
