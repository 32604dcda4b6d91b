using System.Text.RegularExpressions;
using Secrets.TestKit;

namespace Secrets.Architecture.Tests;

/// <summary>The pages that name tests as proof.</summary>
public sealed partial class ThreatModel
{
    /// <summary>A renamed test would leave a promise without proof. Tests stand in the last column: <c>Class</c> or <c>Class.Test</c>.</summary>
    [Theory]
    [InlineData("SECURITY.md")]
    [InlineData("docs/threat-model.md")]
    public void Tests_in_the_last_column_exist(string page)
    {
        var files = Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests"), "*.cs", SearchOption.AllDirectories)
            .ToLookup(path => Path.GetFileNameWithoutExtension(path), StringComparer.Ordinal);
        var names = LastColumn().Matches(File.ReadAllText(Path.Combine(Repository.Root, page)))
            .SelectMany(row => Test().Matches(row.Groups["cell"].Value))
            .Select(match => (Type: match.Groups["type"].Value, Member: match.Groups["member"].Value))
            .ToList();
        Assert.True(names.Count > 15, $"only {names.Count} tests");
        Assert.DoesNotContain(names, name => !files[name.Type].Any(file => File.ReadAllText(file).Contains($" {name.Member}", StringComparison.Ordinal)));
    }

    [GeneratedRegex(@"^\|.*\|(?<cell>[^|]+)\|$", RegexOptions.ExplicitCapture | RegexOptions.Multiline, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex LastColumn();

    [GeneratedRegex(@"`(?<type>[A-Z][A-Za-z]+)(\.(?<member>\w+))?`", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Test();
}
