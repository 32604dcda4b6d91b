using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Secrets.Api.Tests.V1;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>Records acknowledged operations and compares them with the audit in the database.</summary>
internal sealed class Ledger
{
    private const short Create = 10;
    private const short Update = 11;
    private const short Resolve = 15;

    private readonly ConcurrentQueue<JsonNode> _resolved = new();
    private readonly ConcurrentQueue<(short Action, Guid Id, int Version)> _written = new();

    /// <summary>The number of released values.</summary>
    public int Released => _resolved.Sum(answer => answer["values"]!.AsArray().Count);

    /// <summary>The number of creates and updates.</summary>
    public int Written => _written.Count;

    /// <summary>Records an answer to a resolve if the status is 200. That answer must fill at least one argument.</summary>
    public void AddResolve(Answer answer)
    {
        if (IsDone(answer))
        {
            Assert.NotEmpty(answer.Json["values"]!.AsArray());
            _resolved.Enqueue(answer.Json);
        }
    }

    /// <summary>Records an answer to a create or an update if the status is 200.</summary>
    public void AddWrite(Answer answer)
    {
        if (IsDone(answer))
        {
            var version = int.Parse(answer.ETag()!.Trim('"'), System.Globalization.CultureInfo.InvariantCulture);
            _written.Enqueue((answer.Method == HttpMethod.Post ? Create : Update, answer.Json.AsObject().Id(), version));
        }
    }

    /// <summary>
    /// Asserts that every recorded operation has its own audit row. Also asserts that stored secrets and audit rows agree, including
    /// operations whose answer was lost.
    /// </summary>
    public async Task MustBeInTheAuditAsync(string connectionString)
    {
        var rows = (await TestDatabase.ReadAsync(
            connectionString,
            "SELECT writer, sequence, action, secret_id, secret_version, tool_arg, hash FROM audit WHERE outcome = 1 AND secret_id IS NOT NULL",
            row => new Row(
                (TestDatabase.Read<Guid>(row[0]), row.GetInt64(1)),
                row.GetInt16(2),
                TestDatabase.Read<Guid>(row[3]),
                row.GetInt32(4),
                row.IsDBNull(5) ? null : row.GetString(5),
                Convert.ToHexStringLower((byte[])row[6]))))
            .ToDictionary(row => row.Place);

        foreach (var answer in _resolved)
        {
            // The receipt belongs to the last value. The rows of the other values directly precede it.
            var (receipt, values) = (answer["receipt"]!, answer["values"]!.AsArray());
            var (writer, last) = (receipt["writer"]!.GetValue<Guid>(), receipt["sequence"]!.GetValue<long>());
            Assert.True(rows.GetValueOrDefault((writer, last))?.Hash == receipt.Text("hash"), $"not in the audit: {receipt}");
            for (var at = 0; at < values.Count; at++)
            {
                // Removed, so that no row counts for two values.
                Assert.True(rows.Remove((writer, last - values.Count + 1 + at), out var row), $"not in the audit: value {at} of {receipt}");
                var (id, version) = (values[at]!["secret_id"]!.GetValue<Guid>(), values[at]!["version"]!.GetValue<int>());
                Assert.Equal((Resolve, id, version, values[at]!.Text("tool_arg")), (row.Action, row.Id, row.Version, row.Argument));
            }
        }

        var written = rows.Values.Where(row => row.Action != Resolve).Select(row => (row.Action, row.Id, row.Version)).ToList();
        Assert.Empty(_written.Except(written));
        var stored = await TestDatabase.ReadAsync(
            connectionString, "SELECT id, version FROM secrets", row => (Id: TestDatabase.Read<Guid>(row[0]), Version: row.GetInt32(1)));
        Assert.Equal(
            stored.SelectMany(secret => Enumerable.Range(1, secret.Version).Select(version => (version == 1 ? Create : Update, secret.Id, version))).Order(),
            written.Order());
    }

    /// <summary>Whether the answer is 200. Any other answer must be a 503 without values.</summary>
    private static bool IsDone(Answer answer)
    {
        if (answer.Status == 200)
        {
            return true;
        }

        answer.MustBeError(503);
        return false;
    }

    private sealed record Row((Guid Writer, long Sequence) Place, short Action, Guid Id, int Version, string? Argument, string Hash);
}
