using System.Globalization;
using Npgsql;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>
/// Reads candidates by their exact keys. The questions are arrays, one per column, so that the statement is the same for any number
/// of them.
/// </summary>
internal sealed class PostgresCandidateReader : ICandidateReader
{
    private static readonly string[] Conditions =
        ["tool_key = i.key", "pattern_arg_key = i.key", "pattern_arg_key IS NOT NULL", "name_key = i.key"];

    /// <summary>What makes a candidate, of a row of secrets that is called s.</summary>
    public static readonly string CandidateColumns = string.Create(
        CultureInfo.InvariantCulture,
        $"""
        s.id, s.name, s.tool_name, s.tool_arg, s.is_default_for_tool, s.workspace_rule, s.version, s.envelope,
            CASE WHEN s.workspace_rule = {(int)WorkspaceRule.Some}
                THEN ARRAY(SELECT workspace FROM workspace_grants WHERE secret_id = s.id ORDER BY number) END
        """);

    /// <summary>The columns that they are made of.</summary>
    public const string StoredColumns = "id, name, tool_name, tool_arg, is_default_for_tool, workspace_rule, version, envelope";

    // One statement, because each sees the database at a moment of its own: between two, a default that changes from a name to a pattern
    // would be neither, and a lesser one would be handed out.
    private static readonly string Query = string.Join(" UNION ALL ", Conditions.Select(Part));

    /// <summary>The candidate in these columns (<see cref="CandidateColumns"/>).</summary>
    public static Candidate Read(NpgsqlDataReader row, int first, SecretOwner owner)
    {
        var binding = new ToolBinding(
            row.IsDBNull(first + 2) ? null : row.GetString(first + 2),
            row.IsDBNull(first + 3) ? null : row.GetString(first + 3),
            row.GetBoolean(first + 4));
        var workspaces = new WorkspaceAccess(
            (WorkspaceRule)row.GetInt16(first + 5), row.IsDBNull(first + 8) ? [] : row.GetFieldValue<string[]>(first + 8));
        var placement = new Placement(owner, row.GetGuid(first), row.GetString(first + 1), binding, workspaces, row.GetInt32(first + 6));
        return new Candidate(placement, row.GetFieldValue<byte[]>(first + 7));
    }

    public async Task<IReadOnlyList<OwnerCandidates>> ReadAsync(SecretsDbContext db, IReadOnlyList<CandidateQuestion> questions)
    {
        await using var open = await OpenConnection.OfAsync(db);
        await using var command = new NpgsqlCommand(Query, (NpgsqlConnection)open.Connection);
        AddParameters(command, questions);
        var found = new List<Candidate>?[questions.Count];
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                var question = reader.GetInt32(0);
                (found[question] ??= []).Add(Read(reader, 1, questions[question].Owner));
            }
        }

        return Array.ConvertAll(found, candidates => candidates is null ? OwnerCandidates.None : new OwnerCandidates(candidates));
    }

    // OFFSET 0 has each question look into the index. Without it a small table may be read as a whole for every batch.
    private static string Part(string condition, int number) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        SELECT i.question, {CandidateColumns}
        FROM unnest(${(4 * number) + 1}::int[], ${(4 * number) + 2}::smallint[], ${(4 * number) + 3}::text[], ${(4 * number) + 4}::bytea[])
            AS i (question, owner_kind, owner_id, key)
        CROSS JOIN LATERAL (
            SELECT {StoredColumns} FROM secrets
            WHERE owner_kind = i.owner_kind AND owner_id = i.owner_id AND {condition} OFFSET 0) s
        """);

    private static void AddParameters(NpgsqlCommand command, IReadOnlyList<CandidateQuestion> questions)
    {
        var keys = new CandidateKeys(questions);
        foreach (var part in (IReadOnlyList<CandidateKey>[])[keys.Tools, keys.PatternsOfArguments, keys.Patterns, keys.Names])
        {
            command.Parameters.Add(Columns.Of(part, key => key.Question));
            command.Parameters.Add(Columns.Of(part, key => (short)key.Owner.Kind));
            command.Parameters.Add(Columns.Of(part, key => key.Owner.Id));
            command.Parameters.Add(Columns.Of(part, key => key.Key));
        }
    }
}
