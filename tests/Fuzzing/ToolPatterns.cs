using System.Text;
using Secrets.Domain.Secrets;

namespace Secrets.Fuzzing.Tests;

/// <summary>Compares the pattern matcher with its definition. An input is a pattern, a line feed and a name.</summary>
internal sealed class ToolPatterns : IFuzzTarget
{
    public string Name => "patterns";

    public IReadOnlyList<byte[]> Dictionary { get; } = [.. new[] { "*", "**", "a", "aa", "ab", "a*", "*a", "__", "\U0001F511", "é", "e\u0301", "\n" }.Select(Encoding.UTF8.GetBytes)];

    public IReadOnlyList<byte[]> Seeds { get; } =
    [
        .. new[] { "agno__*__get_*\nagno__linear__get_issue", "*aba*aba*\nxabaabax", "*\n", "a*a\na", "\U0001F511*\n\U0001F511\U0001F511" }.Select(Encoding.UTF8.GetBytes),
    ];

    public Task<string> TryAsync(byte[] input)
    {
        var text = Encoding.UTF8.GetString(input);
        var end = text.IndexOf('\n', StringComparison.Ordinal);
        var (written, name) = end < 0 ? (text, text) : (text[..end], text[(end + 1)..]);
        (written, name) = (Cut(written), Cut(name));

        var pattern = new ToolPattern(written);
        var matches = pattern.Matches(name);

        Assert.Equal(Matches(written, name), matches);
        Assert.True(pattern.Matches(written.Replace("*", name, StringComparison.Ordinal)), "the pattern does not match the name in place of its stars");
        Assert.Equal(written.EnumerateRunes().Count(), pattern.LiteralCount + pattern.WildcardCount);
        return Task.FromResult($"{matches} {Size(pattern.WildcardCount)} {Size(pattern.LiteralCount)} {Size(name.Length)} {name.Contains('*', StringComparison.Ordinal)}");
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static string Cut(string text) => string.Concat(text.EnumerateRunes().Take(ToolPattern.Length.Maximum));

    private static int Size(int count) => count < 3 ? count : 3 + (int)Math.Log10(count);

    /// <summary>The definition by dynamic programming: whether each prefix of the pattern matches each prefix of the name.</summary>
    private static bool Matches(string pattern, string name)
    {
        var characters = name.EnumerateRunes().ToArray();
        var row = new bool[characters.Length + 1];
        row[0] = true;
        foreach (var wanted in pattern.EnumerateRunes())
        {
            var next = new bool[row.Length];
            for (var taken = 0; taken < row.Length; taken++)
            {
                next[taken] = wanted.Value == '*'
                    ? row[taken] || (taken > 0 && next[taken - 1])
                    : taken > 0 && row[taken - 1] && characters[taken - 1] == wanted;
            }

            row = next;
        }

        return row[^1];
    }
}
