using System.Text.RegularExpressions;
using Secrets.TestKit;

namespace Secrets.Architecture.Tests;

public sealed partial class Sources
{
    /// <summary>The one file that names every engine, in the list from which the configuration selects.</summary>
    private const string EngineList = "src/Infrastructure/DependencyInjection.cs";

    /// <summary>The sources of root keys and their settings. Azure Key Vault is one of them, so they contain a name of a dialect.</summary>
    private const string RootKeyFiles = "src/Infrastructure/Encryption/RootKeyS";

    private static readonly string[] Projects = ["Domain", "Application", "Infrastructure", "EmbeddedPostgres", "Api", "Client"];

    [Fact]
    public void Providers_are_named_only_in_their_own_folders()
    {
        var strays = SourceFiles()
            .Where(file => !ProviderFolder().IsMatch(file.Path))
            .Where(file => ProviderName().IsMatch(file.Path is EngineList ? EngineOfList().Replace(file.Text, "") : file.Text))
            .Select(file => file.Path);
        Assert.Empty(strays);
    }

    /// <summary>Infrastructure translates them: the Api sees the failures of the application only.</summary>
    [Fact]
    public void The_Api_knows_no_exception_of_a_database() =>
        Assert.Empty(SourceFiles().Where(file => file.Path.StartsWith("src/Api/", StringComparison.Ordinal) && DatabaseException().IsMatch(file.Text)).Select(file => file.Path));

    [Fact]
    public void Only_the_entry_point_names_the_embedded_database() => Assert.Equal(
        ["src/Api/Program.cs"],
        SourceFiles()
            .Where(file => !file.Path.StartsWith("src/EmbeddedPostgres/", StringComparison.Ordinal))
            .Where(file => file.Text.Contains("Secrets.EmbeddedPostgres", StringComparison.Ordinal))
            .Select(file => file.Path));

    [Fact]
    public void A_plaintext_is_revealed_only_in_listed_files()
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

    /// <summary>docs/decisions/0020-the-database-is-not-trusted.md: rows that decide about a value or a write are read and verified in one place.</summary>
    [Fact]
    public void Rows_of_owners_are_read_and_values_opened_only_in_listed_files()
    {
        Assert.Equal(
            [
                "src/Infrastructure/Integrity/OwnerReader.cs",
                "src/Infrastructure/Integrity/Recovery/RecoveryEvidence.cs", // shown to an operator, handed to nobody
                "src/Infrastructure/Persistence/IOwnerRows.cs",
            ],
            PlacesOf(OwnerRowsUse()));
        Assert.Equal(
            [
                "src/Infrastructure/Encryption/DataKeys/Sealer.cs",
                "src/Infrastructure/Encryption/Rotation/DataKeyReplacement.cs", // under the owner's lock
                "src/Infrastructure/Integrity/Recovery/TamperRecovery.cs",
            ],
            PlacesOf(Opening()));
        Assert.Equal(
            ["src/Application/Resolution/ResolveSecrets.cs", "src/Application/Secrets/UpdateSecret.cs"],
            SourceFiles().Where(file => file.Text.Contains("sealer.OpenAsync(", StringComparison.Ordinal)).Select(file => file.Path).Order(StringComparer.Ordinal));
    }

    /// <summary>A statement past the change tracker would change rows without the account that says which rows are current.</summary>
    [Fact]
    public void Rows_under_an_account_are_changed_as_entities() => Assert.Equal(
        [
            "src/Infrastructure/Encryption/Rotation/KeyRingReplacement.cs", // data keys wrapped anew
            "src/Infrastructure/Transactions/AccountLocks.cs", // the lock of a key account
        ],
        PlacesOf(BulkChange()));

    /// <summary>Plain SQL bypasses the change tracker too, and the rule above does not read the folders of single databases.</summary>
    [Fact]
    public void SQL_changes_rows_under_an_account_only_together_with_the_account() => Assert.Equal(
        [
            "src/Infrastructure/Persistence/Postgres/PostgresNewSecretStore.cs",
            "src/Infrastructure/Persistence/Postgres/PostgresSecretsDbContext.cs", // when a key was last used
            "src/Infrastructure/Persistence/SqlServer/SqlServerNewSecretStore.cs",
            "src/Infrastructure/Persistence/SqlServer/SqlServerSecretsDbContext.cs", // when a key was last used
        ],
        SourceFiles().Where(file => !file.Path.Contains("/Migrations/", StringComparison.Ordinal) && PlainChange().IsMatch(file.Text))
            .Select(file => file.Path)
            .Order(StringComparer.Ordinal));

    [Fact]
    public void Only_the_api_knows_dialects_and_dialects_are_independent()
    {
        var strays = SourceFiles()
            .Where(file => DialectName().IsMatch(file.Text) && !file.Path.StartsWith("src/Api/", StringComparison.Ordinal)
                && !file.Path.StartsWith("src/Client/", StringComparison.Ordinal)
                && !file.Path.StartsWith(RootKeyFiles, StringComparison.Ordinal))
            .Concat(SourceFiles().Where(file => file.Path.StartsWith("src/Api/V1/", StringComparison.Ordinal) && file.Text.Contains("AiHub", StringComparison.Ordinal)))
            .Concat(SourceFiles().Where(file => file.Path.StartsWith("src/Api/AiHub/", StringComparison.Ordinal) && file.Text.Contains("Api.V1", StringComparison.Ordinal)))
            .Select(file => file.Path);
        Assert.Empty(strays);
    }

    [Fact]
    public void Only_the_sources_of_root_keys_know_cloud_services() => Assert.DoesNotContain(
        SourceFiles(), file => !file.Path.StartsWith(RootKeyFiles, StringComparison.Ordinal) && CloudImport().IsMatch(file.Text));

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

    /// <summary>The files that match the pattern, outside the folders of single databases.</summary>
    private static IEnumerable<string> PlacesOf(Regex pattern) => SourceFiles()
        .Where(file => !ProviderFolder().IsMatch(file.Path) && pattern.IsMatch(file.Text))
        .Select(file => file.Path)
        .Order(StringComparer.Ordinal);

    [GeneratedRegex(@"\b(IDatabaseFaults|Db\w*Exception|RetryLimitExceededException)\b|System\.Data\b", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex DatabaseException();

    [GeneratedRegex(@"\bIOwnerRows\b", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex OwnerRowsUse();

    [GeneratedRegex(@"Envelope\.(Open|Reseal)\(", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Opening();

    [GeneratedRegex(@"\b(Secrets|DataKeys|ApiKeys|Owners|KeyAccounts)\b[^;{}]*\.Execute(Update|Delete)Async\(", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex BulkChange();

    [GeneratedRegex(
        @"\b(INSERT INTO|DELETE FROM|MERGE INTO|UPDATE) (secrets|data_keys|api_keys)\b|\b(UPDATE|DELETE) (?<alias>\w+)\b[^;]*?\bFROM (secrets|data_keys|api_keys) AS \k<alias>\b",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1_000)]
    private static partial Regex PlainChange();

    private static IEnumerable<(string Path, string Text)> SourceFiles()
    {
        var files = Projects
            .SelectMany(project => Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", project), "*.cs", SearchOption.AllDirectories))
            .Select(path => (Path: Path.GetRelativePath(Repository.Root, path).Replace('\\', '/'), Text: path))
            .Where(file => !file.Path.Contains("/obj/", StringComparison.Ordinal) && !file.Path.Contains("/bin/", StringComparison.Ordinal))
            .Select(file => (file.Path, File.ReadAllText(file.Text)))
            .ToList();
        Assert.True(files.Count > 50, "the source files were not found");
        return files;
    }

    [GeneratedRegex("^src/(Infrastructure/Persistence/(Postgres|SqlServer)|EmbeddedPostgres)/", RegexOptions.ExplicitCapture)]
    private static partial Regex ProviderFolder();

    [GeneratedRegex(@"^using Secrets\.Infrastructure\.Persistence\.\w+;|new \w+Engine\(\)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex EngineOfList();

    [GeneratedRegex(@"Npgsql|(?<!using Secrets\.Embedded)Postgres|SqlServer|SqlClient", RegexOptions.IgnoreCase)]
    private static partial Regex ProviderName();

    [GeneratedRegex("AiHub|IB-Context|Vault|Dialect", RegexOptions.IgnoreCase)]
    private static partial Regex DialectName();

    [GeneratedRegex(@"^using (Amazon|Azure)\b", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex CloudImport();

    [GeneratedRegex(@"\.Log(Trace|Debug|Information|Warning|Error|Critical)\(|\bLog\.(Verbose|Debug|Information|Warning|Error|Fatal)\(")]
    private static partial Regex PlainLogCall();

    [GeneratedRegex(@"TODO(?!\(#\d+\))")]
    private static partial Regex LooseTodo();
}
