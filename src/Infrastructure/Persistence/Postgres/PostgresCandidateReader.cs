using Microsoft.EntityFrameworkCore;
using Npgsql;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>
/// Reads candidates by their exact keys. The questions are arrays, one per column, so that the statements are the same for any number
/// of them.
/// </summary>
internal sealed class PostgresCandidateReader : ICandidateReader
{
    // OFFSET 0 has each question look into the index. Without it a small table may be read as a whole for every batch.
    private const string Query =
        """
        SELECT i.question, s.id, s.name, s.tool_name, s.tool_arg, s.is_default_for_tool, s.workspace_rule, s.version, s.envelope
        FROM unnest($1::int[], $2::smallint[], $3::text[], $4::bytea[]) AS i (question, owner_kind, owner_id, key)
        CROSS JOIN LATERAL (
            SELECT id, name, tool_name, tool_arg, is_default_for_tool, workspace_rule, version, envelope FROM secrets
            WHERE owner_kind = i.owner_kind AND owner_id = i.owner_id AND {0} OFFSET 0) s
        """;

    private static readonly string ByTool = Query.Replace("{0}", "tool_key = i.key", StringComparison.Ordinal);
    private static readonly string ByPatternsOfArgument = Query.Replace("{0}", "pattern_arg_key = i.key", StringComparison.Ordinal);
    private static readonly string ByPatterns = Query.Replace("{0}", "pattern_arg_key IS NOT NULL", StringComparison.Ordinal);
    private static readonly string ByName = Query.Replace("{0}", "name_key = i.key", StringComparison.Ordinal);

    public async Task<IReadOnlyList<OwnerCandidates>> ReadAsync(SecretsDbContext db, IReadOnlyList<CandidateQuestion> questions)
    {
        await db.Database.OpenConnectionAsync();
        await using var batch = new NpgsqlBatch((NpgsqlConnection)db.Database.GetDbConnection());
        AddCommands(batch, questions);
        var found = new List<Candidate>?[questions.Count];
        await using (var reader = await batch.ExecuteReaderAsync())
        {
            do
            {
                while (await reader.ReadAsync())
                {
                    var question = reader.GetInt32(0);
                    (found[question] ??= []).Add(Read(reader, questions[question].Owner));
                }
            }
            while (await reader.NextResultAsync());
        }

        return Array.ConvertAll(found, candidates => candidates is null ? OwnerCandidates.None : new OwnerCandidates(candidates));
    }

    private static void AddCommands(NpgsqlBatch batch, IReadOnlyList<CandidateQuestion> questions)
    {
        var (tools, patternsOfArgument, patterns, names) = (new Keys(), new Keys(), new Keys(), new Keys());
        for (var at = 0; at < questions.Count; at++)
        {
            var (owner, call) = questions[at];
            if (call.Arguments is null)
            {
                tools.Add(at, owner, call.ToolName);
                patterns.Add(at, owner, "");
            }
            else if (call.Arguments.Count > 0)
            {
                tools.Add(at, owner, call.ToolName);
                foreach (var argument in call.Arguments.Distinct(StringComparer.Ordinal))
                {
                    patternsOfArgument.Add(at, owner, argument);
                }
            }

            foreach (var name in call.References.Values)
            {
                names.Add(at, owner, name);
            }
        }

        tools.AddTo(batch, ByTool);
        patternsOfArgument.AddTo(batch, ByPatternsOfArgument);
        patterns.AddTo(batch, ByPatterns);
        names.AddTo(batch, ByName);
    }

    // Nothing is granted to single workspaces yet.
    private static Candidate Read(NpgsqlDataReader row, SecretOwner owner)
    {
        var binding = new ToolBinding(
            row.IsDBNull(3) ? null : row.GetString(3), row.IsDBNull(4) ? null : row.GetString(4), row.GetBoolean(5));
        var placement = new Placement(owner, row.GetGuid(1), row.GetString(2), binding, (WorkspaceRule)row.GetInt16(6), row.GetInt32(7));
        return new Candidate(placement, row.GetFieldValue<byte[]>(8), []);
    }

    /// <summary>What one of the queries is asked.</summary>
    private sealed class Keys
    {
        private readonly List<(int Question, SecretOwner Owner, byte[] Key)> _rows = [];

        public void Add(int question, SecretOwner owner, string text) => _rows.Add((question, owner, Secret.KeyOf(text)));

        public void AddTo(NpgsqlBatch batch, string query)
        {
            if (_rows.Count > 0)
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand(query)
                {
                    Parameters =
                    {
                        Columns.Of(_rows, row => row.Question),
                        Columns.Of(_rows, row => (short)row.Owner.Kind),
                        Columns.Of(_rows, row => row.Owner.Id),
                        Columns.Of(_rows, row => row.Key),
                    },
                });
            }
        }
    }
}
