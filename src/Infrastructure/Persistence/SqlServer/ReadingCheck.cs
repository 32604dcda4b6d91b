using System.Data.Common;
using System.Globalization;
using Microsoft.Data.SqlClient;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>
/// Verifies that a server reads rows as they are sent, before a migration and at every start. A server that speaks SQL Server's protocol may decode them differently: then
/// audit rows and envelopes would be stored wrongly, and every request would still succeed.
/// </summary>
internal static class ReadingCheck
{
    /// <summary>A sent row: one value of each kind that <see cref="SentRows{TRow}"/> sends.</summary>
    internal sealed record Row(
        int Number, bool Flag, short Tiny, short? Small, long? Large, Guid? Id, byte[]? Hash, byte[]? Bytes, string? Hashed, string? Text, DateTimeOffset Moment);

    /// <summary>Longer than any value that some servers cut off in JSON.</summary>
    private const int ManyBytes = 70_000;

    private static readonly SentRows<Row> Sent = new(
        "@rows",
        new SentColumn<Row, int>("number", ColumnKind.Number, row => row.Number),
        new SentColumn<Row, bool>("flag", ColumnKind.Flag, row => row.Flag),
        new SentColumn<Row, short>("tiny", ColumnKind.Tiny, row => row.Tiny),
        new SentColumn<Row, short?>("small", ColumnKind.Small, row => row.Small),
        new SentColumn<Row, long?>("large", ColumnKind.Large, row => row.Large),
        new SentColumn<Row, Guid?>("id", ColumnKind.Uuid, row => row.Id),
        new SentColumn<Row, byte[]?>("hash", ColumnKind.Hash, row => row.Hash),
        new SentColumn<Row, byte[]?>("bytes", ColumnKind.Bytes, row => row.Bytes),
        new SentColumn<Row, string?>("hashed", ColumnKind.Hashed, row => row.Hashed),
        new SentColumn<Row, string?>("text", ColumnKind.Text, row => row.Text),
        new SentColumn<Row, DateTimeOffset>("moment", ColumnKind.Moment, row => row.Moment));

    /// <summary>What a server answers for a sent row.</summary>
    /// <param name="Row">The row. Its hashed text does not come back.</param>
    /// <param name="HasHash">Whether the hash of its text is that of the same text as a parameter.</param>
    /// <param name="IsOther">Whether the hash, or equal bytes, are those of other text.</param>
    internal sealed record Answer(Row Row, bool HasHash, bool IsOther);

    private const string Hashed = "é🔑 ";

    /// <summary>The rows come back. Text and bytes that differ only in a trailing space, or in a character of two UTF-16 units, are different.</summary>
    internal static readonly string Query =
        $"""
        SELECT i.number, i.flag, i.tiny, i.small, i.large, i.id, i.hash, i.bytes, i.[text], i.moment,
            CASE WHEN i.hashed = {OwnerKey.Hash("@hashed")} THEN 1 ELSE 0 END,
            CASE WHEN i.hashed IN ({OwnerKey.Hash("@trimmed")}, {OwnerKey.Hash("@other")}) OR CAST(0x61 AS varbinary(8)) = CAST(0x6120 AS varbinary(8)) THEN 1 ELSE 0 END
        FROM {Sent.Source}
        ORDER BY i.number;
        """;

    private const int SnapshotLevel = 5;

    /// <summary>Characters that JSON escapes, of several bytes, of the private use area and of two UTF-16 units; and a trailing space.</summary>
    private static readonly string OddText = "\"q\\b/\u0001\t\r\n\u001F\u007F é \u2028 \uE000\uE001 🔑 'a' ";

    /// <summary>The rows that are sent.</summary>
    internal static readonly IReadOnlyList<Row> Rows =
    [
        new(1, Flag: true, Tiny: 255, Small: short.MinValue, Large: long.MaxValue, new Guid("00000000-0000-0001-ff00-00000000ff00"), Pattern(32), Pattern(ManyBytes), Hashed, OddText,
            new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero).AddMicroseconds(123_456)),
        new(2, Flag: false, Tiny: 0, Small: null, Large: null, Id: null, Hash: null, Bytes: null, Hashed: null, Text: null, DateTimeOffset.UnixEpoch),
        new(3, Flag: false, Tiny: 1, Small: 1, Large: -1, Guid.Empty, new byte[32], [0], Hashed, '"' + new string('é', 2_047), DateTimeOffset.UnixEpoch),
    ];

    /// <summary>Verifies how the server reads.</summary>
    /// <exception cref="StartupException">The server reads something differently.</exception>
    public static async Task RequireAsync(SqlServerSecretsDbContext db, CancellationToken cancellationToken)
    {
        if (await FindFaultAsync(db, cancellationToken) is { } fault)
        {
            throw new StartupException(
                $"The database server does not read what the service sends: {fault}. Use SQL Server 2019 or later with compatibility level 150 or higher, or Azure SQL. "
                + "No secret was stored.");
        }
    }

    /// <summary>What comes back differently from what was sent; null: nothing.</summary>
    internal static string? FindFault(IReadOnlyList<Answer> found) =>
        found.Count != Rows.Count ? string.Create(CultureInfo.InvariantCulture, $"{Rows.Count} rows became {found.Count}")
        : found.Any(answer => answer.IsOther) ? "different text counts as equal"
        : Rows.Zip(found).Any(pair => pair.First.Hashed is not null != pair.Second.HasHash) ? "hashes of text"
        : Rows.Zip(found, (sent, read) => Difference(sent, read.Row)).FirstOrDefault(fault => fault is not null);

    private static string? Difference(Row sent, Row read) =>
        sent.Number != read.Number || sent.Flag != read.Flag || sent.Tiny != read.Tiny || sent.Small != read.Small || sent.Large != read.Large ? "numbers in JSON"
        : sent.Id != read.Id ? "ids"
        : !Same(sent.Hash, read.Hash) ? "hashes"
        : !Same(sent.Bytes, read.Bytes) ? "binary values"
        : !string.Equals(sent.Text, read.Text, StringComparison.Ordinal) ? "text in JSON"
        : sent.Moment != read.Moment ? "moments in JSON"
        : null;

    private static bool Same(byte[]? sent, byte[]? read) => sent is null ? read is null : read is not null && sent.AsSpan().SequenceEqual(read);

    private static async Task<string?> FindFaultAsync(SqlServerSecretsDbContext db, CancellationToken cancellationToken)
    {
        try
        {
            return FindFault(await ReadAsync(db, cancellationToken)) ?? await FindLevelFaultAsync(db, cancellationToken);
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or UnavailableException) && !db.Faults.IsUnavailable(exception))
        {
            // For example, a value of another type or size than was sent.
            return exception.Message.ReplaceLineEndings(" ").TrimEnd('.');
        }
    }

    private static async Task<List<Answer>> ReadAsync(SqlServerSecretsDbContext db, CancellationToken cancellationToken)
    {
        await using var open = await OpenConnection.OpenAsync(db, cancellationToken);
        await using var command = new SqlCommand(Query, (SqlConnection)open.Connection)
        {
            Parameters = { Text("@hashed", Hashed), Text("@trimmed", Hashed.TrimEnd()), Text("@other", Hashed.Replace("🔑", "🔒", StringComparison.Ordinal)) },
        };
        Sent.AddTo(command, Rows);
        List<Answer> found = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var row = FromReader(reader);
            found.Add(new Answer(row, HasHash: reader.GetInt32(10) == 1, IsOther: reader.GetInt32(11) == 1));
        }

        return found;
    }

    private static Row FromReader(DbDataReader reader) => new(
        reader.GetInt32(0),
        reader.GetBoolean(1),
        reader.GetByte(2),
        reader.IsDBNull(3) ? null : reader.GetInt16(3),
        reader.IsDBNull(4) ? null : reader.GetInt64(4),
        Bytes(reader, 5) is { } id ? UuidBytes.Read(id) : null,
        Bytes(reader, 6),
        Bytes(reader, 7),
        Hashed: null,
        reader.IsDBNull(8) ? null : reader.GetString(8),
        reader.GetFieldValue<DateTimeOffset>(9));

    private static SqlParameter Text(string name, string value) => new(name, System.Data.SqlDbType.NVarChar) { Value = value };

    private static byte[]? Bytes(DbDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetFieldValue<byte[]>(column);

    /// <summary>After a snapshot, the next statement of the connection must not read in it.</summary>
    private static async Task<string?> FindLevelFaultAsync(SqlServerSecretsDbContext db, CancellationToken cancellationToken)
    {
        await using var open = await OpenConnection.OpenAsync(db, cancellationToken);
        await db.InSnapshotAsync(() => db.Database.ExecuteSqlRawAsync("SELECT 1", cancellationToken), cancellationToken);
        var level = await db.Database
            .SqlQuery<int>($"SELECT CAST(transaction_isolation_level AS int) AS Value FROM sys.dm_exec_sessions WHERE session_id = @@SPID")
            .SingleAsync(cancellationToken);
        return level == SnapshotLevel ? "the snapshot level stays after its transaction" : null;
    }

    private static byte[] Pattern(int length) => [.. Enumerable.Range(0, length).Select(place => (byte)(place * 7))];
}
