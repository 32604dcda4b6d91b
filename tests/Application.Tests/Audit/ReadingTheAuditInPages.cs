using System.Buffers.Text;
using FsCheck.Fluent;
using Secrets.Application.Audit;
using Secrets.Domain.Audit;

namespace Secrets.Application.Tests;

public sealed class ReadingTheAuditInPages
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_cursor_survives_a_round_trip() => Generated.ForAll(
        from ticks in Generated.Long()
        from writer in Generated.Uuid()
        from sequence in Generated.Long()
        select new AuditCursor(new DateTimeOffset((ticks & long.MaxValue) % DateTimeOffset.MaxValue.Ticks, TimeSpan.Zero), writer, sequence),
        cursor => Assert.Equal(cursor, AuditCursor.Parse(cursor.ToString())));

    [Fact]
    public void Any_bytes_parse_without_an_exception() => Generated.ForAll(
        Gen.OneOf(Generated.Bytes(32, 32), Generated.Bytes(0, 40)),
        bytes =>
        {
            var parsed = AuditCursor.Parse(Base64Url.EncodeToString(bytes));

            Assert.True(parsed is null || bytes.Length == 32);
        },
        2_000);

    [Fact]
    public void Rows_with_equal_timestamps_are_each_on_one_page() => Generated.ForAll(
        from minutes in Gen.Choose(0, 3).ListOf(12)
        from writers in Gen.Choose(0, 2).ListOf(12)
        from behind in Gen.Choose(0, 11)
        select (Rows: minutes.Zip(writers, (minute, writer) => (minute, writer)).Select((row, at) => Row(row.minute, row.writer, at)).ToArray(), Behind: behind),
        given =>
        {
            var all = given.Rows.AsQueryable().NewestFirst(cursor: null).ToList();

            var rest = given.Rows.AsQueryable().NewestFirst(new AuditCursor(all[given.Behind])).ToList();

            Assert.Equal(all.Skip(given.Behind + 1), rest);
            Assert.Equal(all.OrderByDescending(row => row.At).Select(row => row.At), all.Select(row => row.At));
        },
        300);

    private static AuditEntry Row(int minute, int writer, int sequence) => new(
        new Guid(writer, 0, 0, new byte[8]),
        sequence,
        new AuditEvent { At = Noon.AddMinutes(minute), Actor = Guid.Empty, Action = AuditAction.SecretGet, Outcome = AuditOutcome.Denied });
}
