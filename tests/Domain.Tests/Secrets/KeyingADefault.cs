using FsCheck.Fluent;
using Secrets.Domain.Secrets;

namespace Secrets.Domain.Tests;

public sealed class KeyingADefault
{
    [Fact]
    public void Different_small_pairs_have_different_keys()
    {
        string[] words = ["a", "b", "*", "A", "aa", "ab", "ba", "bb", "a*", "*a", "a\n", "aaa", "aab", "aba", "baa", "\U0001F511"];
        var keys = words.SelectMany(tool => words.Select(arg => KeysOf(tool, arg))).ToArray();

        Assert.Equal(words.Length * words.Length, keys.Distinct().Count());
    }

    [Fact]
    public void Equal_pairs_have_equal_keys_of_a_fixed_size() => Generated.ForAll(
        from tool in Generated.Text(1, 50)
        from arg in Generated.Text(1, 50)
        select (Tool: tool, Arg: arg),
        pair =>
        {
            var one = Make(new ToolBinding(pair.Tool, pair.Arg, IsDefault: true));
            var other = Make(new ToolBinding($"{pair.Tool}", $"{pair.Arg}", IsDefault: true));

            Assert.Equal((32, 32), (one.ToolKey!.Length, one.ArgKey!.Length));
            Assert.Equal(one.ToolKey, other.ToolKey);
            Assert.Equal(one.ArgKey, other.ArgKey);
            Assert.Equal(pair.Tool.Contains('*', StringComparison.Ordinal) ? one.ArgKey : null, one.PatternArgKey);
        });

    [Theory]
    [InlineData("tool", "arg")]
    [InlineData("tool*", "arg")]
    [InlineData("tool", null)]
    [InlineData(null, "arg")]
    [InlineData(null, null)]
    public void Only_a_default_has_keys(string? tool, string? arg)
    {
        var secret = Make(new ToolBinding(tool, arg, IsDefault: false));

        Assert.Equal((null, null, null), (secret.ToolKey, secret.ArgKey, secret.PatternArgKey));
    }

    private static (string Tool, string Arg) KeysOf(string tool, string arg)
    {
        var secret = Make(new ToolBinding(tool, arg, IsDefault: true));
        return (Convert.ToHexString(secret.ToolKey!), Convert.ToHexString(secret.ArgKey!));
    }

    private static Secret Make(ToolBinding binding) =>
        Secret.Create(SecretOwner.User(Guid.Empty), "name", "", binding, WorkspaceAccess.All, Guid.Empty, DateTimeOffset.UnixEpoch);
}
