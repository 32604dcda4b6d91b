using System.Text.RegularExpressions;
using Secrets.TestKit;

namespace Secrets.Architecture.Tests;

public sealed partial class Sources
{
    private static readonly string[] Projects = ["Domain", "Application", "Infrastructure", "Api", "Client"];

    [Fact]
    public void Providers_are_named_only_in_their_own_folders()
    {
        var strays = SourceFiles()
            .Where(file => !ProviderFolder().IsMatch(file.Path))
            .Where(file => ProviderName().IsMatch(file.Text))
            .Select(file => file.Path);
        Assert.Empty(strays);
    }

    [Fact]
    public void A_plaintext_is_revealed_only_where_it_is_sealed_masked_measured_or_handed_to_a_runtime()
    {
        var places = SourceFiles().Where(file => file.Text.Contains(".Reveal()", StringComparison.Ordinal)).Select(file => file.Path);
        Assert.Equal(
            [
                "src/Api/V1/RevealedValue.cs",
                "src/Application/Common/Rules.cs",
                "src/Domain/Secrets/MaskedValue.cs",
                "src/Infrastructure/Encryption/Envelope.cs",
            ],
            places.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Only_the_api_knows_of_dialects_and_no_dialect_knows_another()
    {
        var strays = SourceFiles()
            .Where(file => DialectName().IsMatch(file.Text) && !file.Path.StartsWith("src/Api/", StringComparison.Ordinal)
                && !file.Path.StartsWith("src/Client/", StringComparison.Ordinal))
            .Concat(SourceFiles().Where(file => file.Path.StartsWith("src/Api/V1/", StringComparison.Ordinal) && file.Text.Contains("AiHub", StringComparison.Ordinal)))
            .Concat(SourceFiles().Where(file => file.Path.StartsWith("src/Api/AiHub/", StringComparison.Ordinal) && file.Text.Contains("Api.V1", StringComparison.Ordinal)))
            .Select(file => file.Path);
        Assert.Empty(strays);
    }

    [Fact]
    public void Nothing_is_logged_by_destructuring_or_by_string_building()
    {
        var offenders = SourceFiles()
            .Where(file => file.Text.Contains("{@", StringComparison.Ordinal) || PlainLogCall().IsMatch(file.Text))
            .Select(file => file.Path);
        Assert.Empty(offenders);
    }

    [Fact]
    public void The_entry_point_stays_short() =>
        Assert.InRange(File.ReadAllLines(Path.Combine(Repository.Root, "src", "Api", "Program.cs")).Length, 1, 40);

    [Fact]
    public void A_todo_names_its_issue()
    {
        var loose = SourceFiles().Where(file => LooseTodo().IsMatch(file.Text)).Select(file => file.Path);
        Assert.Empty(loose);
    }

    [Fact]
    public void Folders_below_a_project_are_at_most_two_deep()
    {
        var deep = SourceFiles()
            .Where(file => !file.Path.Contains("/Migrations/", StringComparison.Ordinal))
            .Where(file => file.Path.Count(letter => letter == '/') > 4)
            .Select(file => file.Path);
        Assert.Empty(deep);
    }

    private static IEnumerable<(string Path, string Text)> SourceFiles()
    {
        var files = Projects
            .SelectMany(project => Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", project), "*.cs", SearchOption.AllDirectories))
            .Select(path => (Path: Path.GetRelativePath(Repository.Root, path).Replace('\\', '/'), Text: path))
            .Where(file => !file.Path.Contains("/obj/", StringComparison.Ordinal) && !file.Path.Contains("/bin/", StringComparison.Ordinal))
            .Select(file => (file.Path, File.ReadAllText(file.Text)))
            .ToList();
        Assert.True(files.Count > 50, "the sources were not found");
        return files;
    }

    [GeneratedRegex("^src/Infrastructure/Persistence/(Postgres|SqlServer|Embedded)/", RegexOptions.ExplicitCapture)]
    private static partial Regex ProviderFolder();

    [GeneratedRegex("Npgsql|Postgres|SqlServer|SqlClient", RegexOptions.IgnoreCase)]
    private static partial Regex ProviderName();

    [GeneratedRegex("AiHub|IB-Context|Vault|Dialect", RegexOptions.IgnoreCase)]
    private static partial Regex DialectName();

    [GeneratedRegex(@"\.Log(Trace|Debug|Information|Warning|Error|Critical)\(|\bLog\.(Verbose|Debug|Information|Warning|Error|Fatal)\(")]
    private static partial Regex PlainLogCall();

    [GeneratedRegex(@"TODO(?!\(#\d+\))")]
    private static partial Regex LooseTodo();
}
