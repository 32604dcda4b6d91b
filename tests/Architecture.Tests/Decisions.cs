using System.Text.RegularExpressions;
using Secrets.TestKit;

namespace Secrets.Architecture.Tests;

public sealed partial class Decisions
{
    private static readonly string Folder = Path.Combine(Repository.Root, "docs", "decisions");

    [Fact]
    public void The_index_has_the_number_title_and_status_of_every_record() =>
        Assert.Equal(
            Records().Select(record => (record.Number, record.Title, record.File, record.Status)),
            IndexRow().Matches(File.ReadAllText(Path.Combine(Folder, "README.md"))).Select(row =>
                (row.Groups["number"].Value, row.Groups["title"].Value, row.Groups["file"].Value, row.Groups["status"].Value)));

    [Fact]
    public void Only_a_later_record_supersedes_another()
    {
        var files = Records().ToDictionary(record => record.Number, record => record.File, StringComparer.Ordinal);
        Assert.All(Records().SelectMany(record => record.SupersededBy.Select(link => (Old: record.Number, New: link))), pair =>
        {
            Assert.Equal(files[pair.New.Number], pair.New.File);
            Assert.True(NumberOf(pair.New.Number) > NumberOf(pair.Old), $"{pair.Old} is superseded by {pair.New.Number}");
        });
    }

    /// <summary>The records in the order of their numbers. A record without a number, a title or a status fails.</summary>
    private static IReadOnlyList<Record> Records()
    {
        var records = Directory.EnumerateFiles(Folder, "0*.md").Order(StringComparer.Ordinal).Select(Read).ToList();
        Assert.NotEmpty(records);
        Assert.Equal(Enumerable.Range(1, records.Count), records.Select(record => NumberOf(record.Number)));
        return records;
    }

    private static Record Read(string path)
    {
        var match = Heading().Match(File.ReadAllText(path));
        Assert.True(match.Success, $"{path} does not begin with a numbered title and a status");
        var file = Path.GetFileName(path);
        var number = match.Groups["number"].Value;
        Assert.StartsWith($"{NumberOf(number):0000}-", file, StringComparison.Ordinal);
        var links = Link().Matches(match.Groups["status"].Value).Select(link => (link.Groups["number"].Value, link.Groups["file"].Value)).ToList();
        var by = string.Join(" and ", links.Select(link => link.Item1));
        var status = (match.Groups["accepted"].Success, links.Count) switch
        {
            (true, 0) => "accepted",
            (true, _) => $"accepted; in part superseded by {by}",
            _ => $"superseded by {by}",
        };
        return new Record(number, match.Groups["title"].Value, file, status, links);
    }

    private static int NumberOf(string number) => int.Parse(number, System.Globalization.CultureInfo.InvariantCulture);

    [GeneratedRegex(
        @"\A# (?<number>\d+)\. (?<title>.+)\n\nStatus: (?<status>((?<accepted>accepted)|superseded by \[)(.|\n)*?\.)\n\n",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Heading();

    [GeneratedRegex(@"\[decision (?<number>\d+)\]\((?<file>[^)]+)\)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Link();

    [GeneratedRegex(
        @"^\| (?<number>\d+) \| \[(?<title>[^\]]+)\]\((?<file>[^)]+)\) \| [^|]+ \| (?<status>[^|]+) \|$",
        RegexOptions.ExplicitCapture | RegexOptions.Multiline,
        matchTimeoutMilliseconds: 1_000)]
    private static partial Regex IndexRow();

    private sealed record Record(string Number, string Title, string File, string Status, IReadOnlyList<(string Number, string File)> SupersededBy);
}
