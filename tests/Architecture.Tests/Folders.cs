using Secrets.TestKit;

namespace Secrets.Architecture.Tests;

/// <summary>The folders of each project form layers. docs/architecture.md has the table of what each may use.</summary>
public sealed class Folders
{
    public static TheoryData<string> Projects => ["Domain", "Application", "Infrastructure", "EmbeddedPostgres", "Api"];

    [Theory]
    [MemberData(nameof(Projects))]
    public void No_folder_uses_itself_through_others(string project)
    {
        var cycle = FolderGraph.Read(project).FindCycle();
        Assert.True(cycle is null, $"{project}: {string.Join(" -> ", cycle ?? [])}");
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_folder_uses_what_the_table_allows_and_no_more(string project)
    {
        var graph = FolderGraph.Read(project);
        var table = TableOf(project);
        Assert.Equal(graph.Folders.Order(StringComparer.Ordinal), table.Keys.Order(StringComparer.Ordinal));
        Assert.All(graph.Folders, folder => Assert.Equal(graph.UsesOf(folder).Order(StringComparer.Ordinal), table[folder].Order(StringComparer.Ordinal)));
    }

    /// <summary>The rows "| `folder` | `used`, `used` |" under the heading of the project.</summary>
    private static Dictionary<string, string[]> TableOf(string project) =>
        File.ReadLines(Path.Combine(Repository.Root, "docs", "architecture.md"))
            .SkipWhile(line => line != $"### src/{project}")
            .Skip(1)
            .TakeWhile(line => !line.StartsWith('#'))
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .ToDictionary(cells => cells[1].Trim('`'), cells => cells[2].Split(", ", StringSplitOptions.RemoveEmptyEntries).Select(name => name.Trim('`')).ToArray(), StringComparer.Ordinal);
}
