using System.Globalization;
using System.Text.Json;
using Microsoft.Data.SqlClient;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>Reads candidates by their exact keys, for any number of questions with one statement.</summary>
internal sealed class SqlServerCandidateReader : ICandidateReader
{
    private static readonly string SomeWorkspaces = ((int)WorkspaceRule.Some).ToString(CultureInfo.InvariantCulture);

    // The filters of the indexes are repeated: that an equal key is not null the optimizer does not conclude in a join.
    private static readonly (string Parameter, string Condition)[] Parts =
    [
        ("@tools", "s.tool_key = i.[key] AND s.tool_key IS NOT NULL"),
        ("@patternsOfArgument", "s.pattern_arg_key = i.[key] AND s.pattern_arg_key IS NOT NULL"),
        ("@patterns", "s.pattern_arg_key IS NOT NULL"),
        ("@names", "s.name_key = i.[key]"),
    ];

    /// <summary>
    /// One statement at one moment: between two, a default that changes from a name to a pattern would be neither, and a lesser one would be
    /// handed out. READ COMMITTED gives one statement one moment only where the database has READ_COMMITTED_SNAPSHOT on; without, it locks row after
    /// row. The level ends with the batch.
    /// </summary>
    internal static readonly string Query =
        "SET TRANSACTION ISOLATION LEVEL SNAPSHOT;\n" + string.Join("\nUNION ALL\n", Parts.Select(part => Part(part.Parameter, part.Condition))) + ";";

    public async Task<IReadOnlyList<OwnerCandidates>> ReadAsync(SecretsDbContext db, IReadOnlyList<CandidateQuestion> questions)
    {
        await using var open = await OpenConnection.OfAsync(db);
        await using var command = new SqlCommand(Query, (SqlConnection)open.Connection);
        AddParameters(command, questions);
        var found = new List<Candidate>?[questions.Count];
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                var question = reader.GetInt32(0);
                (found[question] ??= []).Add(Read(reader, questions[question].Owner));
            }
        }

        return Array.ConvertAll(found, candidates => candidates is null ? OwnerCandidates.None : new OwnerCandidates(candidates));
    }

    // The hints have each question look into the index. Without them a small table may be read as a whole for every batch.
    private static string Part(string parameter, string condition) =>
        $"""
        SELECT i.question, s.id, s.name, s.tool_name, s.tool_arg, s.is_default_for_tool, s.workspace_rule, s.version, s.envelope,
            CASE WHEN s.workspace_rule = {SomeWorkspaces}
                THEN (SELECT g.workspace FROM workspace_grants AS g WHERE g.secret_id = s.id ORDER BY g.number FOR JSON PATH) END AS workspaces
        FROM OPENJSON({parameter}) WITH (
            question int '$[0]', owner_kind tinyint '$[1]', owner_id {ComparedText.ColumnType} '$[2]', [key] binary(32) '$[3]') AS i
        INNER LOOP JOIN secrets AS s WITH (FORCESEEK)
            ON s.owner_kind = i.owner_kind AND s.owner_id = i.owner_id AND {condition}
        """;

    private static void AddParameters(SqlCommand command, IReadOnlyList<CandidateQuestion> questions)
    {
        var keys = new CandidateKeys(questions);
        foreach (var (asked, part) in ((IReadOnlyList<CandidateKey>[])[keys.Tools, keys.PatternsOfArguments, keys.Patterns, keys.Names]).Zip(Parts))
        {
            command.Parameters.Add(JsonRows.Of(part.Parameter, asked, static (json, key) =>
            {
                json.Add(key.Question);
                json.Add((long)key.Owner.Kind);
                json.AddCompared(key.Owner.Id);
                json.Add(key.Key);
            }));
        }
    }

    private static Candidate Read(SqlDataReader row, SecretOwner owner)
    {
        var binding = new ToolBinding(
            row.IsDBNull(3) ? null : row.GetString(3), row.IsDBNull(4) ? null : row.GetString(4), row.GetBoolean(5));
        var id = UuidBytes.Read(row.GetFieldValue<byte[]>(1));
        var workspaces = new WorkspaceAccess((WorkspaceRule)row.GetByte(6), row.IsDBNull(9) ? [] : Workspaces(row.GetString(9)));
        var placement = new Placement(owner, id, row.GetString(2), binding, workspaces, row.GetInt32(7));
        return new Candidate(placement, row.GetFieldValue<byte[]>(8));
    }

    /// <summary>An array of objects with one member each, in which FOR JSON writes bytes as base64.</summary>
    internal static List<string> Workspaces(string json) =>
        [.. JsonElement.Parse(json).EnumerateArray().Select(row => ComparedText.Read(row.GetProperty("workspace").GetBytesFromBase64()))];
}
