using Secrets.Domain.Text;

namespace Secrets.Domain.Secrets;

/// <summary>
/// One tool's name, or a pattern over names: <c>*</c> stands for any run of characters, also none, anywhere and any
/// number of times. Everything else is literal, the whole name must match, and comparison is ordinal.
/// </summary>
public sealed record ToolPattern
{
    /// <summary>Length of a pattern, and of the names it is matched against.</summary>
    public static readonly TextLength Length = new(1, 1024);

    /// <summary>What stands for any run of characters.</summary>
    public const char Wildcard = '*';

    private readonly string[] _literals;

    /// <summary>A pattern as its owner wrote it. Its length is validated where it comes in.</summary>
    public ToolPattern(string value)
    {
        Value = value;
        _literals = value.Split(Wildcard);
        WildcardCount = _literals.Length - 1;
        LiteralCount = TextLength.Measure(value) - WildcardCount;
    }

    /// <summary>The pattern as written.</summary>
    public string Value { get; }

    /// <summary>How many wildcards it has; none: it is the name of one tool.</summary>
    public int WildcardCount { get; }

    /// <summary>How many literal characters it has, in code points.</summary>
    public int LiteralCount { get; }

    /// <summary>Whether the whole name matches.</summary>
    /// <remarks>
    /// The literal runs between wildcards are sought from left to right, each at its leftmost place. Leftmost is enough: it
    /// leaves the most room for what follows, so nothing is ever tried twice and `*a*a*a*…` cannot blow up.
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
