using System.Data;
using Microsoft.Data.SqlClient;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.SqlServer;

namespace Secrets.Infrastructure.Tests.SqlServer;

/// <summary>A server that does not read what is sent is refused (<see cref="ReadingCheck"/>). Each question can fail.</summary>
public sealed class CheckingTheServer
{
    private static readonly IReadOnlyList<ReadingCheck.Answer> Correct =
        [.. ReadingCheck.Rows.Select(row => new ReadingCheck.Answer(row, HasHash: row.Hashed is not null, IsOther: false))];

    private static readonly SentRows<string> Sent = new("@rows", new SentColumn<string, string?>("text", ColumnKind.Text, text => text));

    [Fact]
    public void A_server_that_returns_the_rows_passes() => Assert.Null(ReadingCheck.FindFault(Correct));

    [Fact]
    public void Each_misread_value_is_found()
    {
        var first = ReadingCheck.Rows[0];
        (ReadingCheck.Row Row, string Fault)[] misread =
        [
            (first with { Number = 7 }, "numbers in JSON"),
            (first with { Flag = false }, "numbers in JSON"),
            (first with { Tiny = 127 }, "numbers in JSON"),
            (first with { Small = 0 }, "numbers in JSON"),
            (first with { Large = long.MaxValue - 1 }, "numbers in JSON"),
            (first with { Id = null }, "ids"),
            (first with { Hash = [.. first.Hash!, 0] }, "hashes"),
            (first with { Bytes = first.Bytes![..4_000] }, "binary values"),
            (first with { Text = first.Text!.Replace("\\", "\\\\", StringComparison.Ordinal) }, "text in JSON"),
            (first with { Text = first.Text!.TrimEnd() }, "text in JSON"),
            (first with { Moment = first.Moment.AddMicroseconds(-456) }, "moments in JSON"),
        ];
        Assert.All(misread, one => Assert.Equal(one.Fault, ReadingCheck.FindFault([Correct[0] with { Row = one.Row }, .. Correct.Skip(1)])));
    }

    [Fact]
    public void Nulls_that_become_values_are_found() =>
        Assert.Equal("binary values", ReadingCheck.FindFault([Correct[0], Correct[1] with { Row = ReadingCheck.Rows[1] with { Bytes = [] } }, Correct[2]]));

    [Fact]
    public void Equal_text_other_hashes_and_lost_rows_are_found()
    {
        Assert.Equal("different text counts as equal", ReadingCheck.FindFault([Correct[0] with { IsOther = true }, .. Correct.Skip(1)]));
        Assert.Equal("hashes of text", ReadingCheck.FindFault([Correct[0] with { HasHash = false }, .. Correct.Skip(1)]));
        Assert.Equal("hashes of text", ReadingCheck.FindFault([Correct[0], Correct[1] with { HasHash = true }, Correct[2]]));
        Assert.Equal("3 rows became 2", ReadingCheck.FindFault([.. Correct.Take(2)]));
    }

    [Theory]
    [InlineData("plain é 🔑 '")]
    [InlineData("\"")]
    [InlineData("\\\"\t\r\n\u0001\u001F")]
    [InlineData("\uE000\uE001\"\uF8FF\\")]
    public void Sent_text_has_nothing_that_every_JSON_escapes_and_can_be_restored(string text)
    {
        var standIns = EscapeFreeText.FindStandIns([null, text]);

        var sent = EscapeFreeText.Replace(text, standIns)!;

        Assert.DoesNotContain(sent, character => character is '"' or '\\' or < ' ');
        Assert.Equal(text, standIns is null ? sent : string.Concat(sent.Select(character =>
            standIns.IndexOf(character, StringComparison.Ordinal) is >= 0 and var at ? EscapeFreeText.Escaped[at] : character)));
    }

    [Fact]
    public void Only_text_that_needs_stand_ins_has_some()
    {
        Assert.Null(EscapeFreeText.FindStandIns(["a", null, "é\u007F"]));
        Assert.Equal(33, EscapeFreeText.FindStandIns(["\n"])!.Distinct().Count());
    }

    [Fact]
    public void The_JSON_has_the_text_and_the_stand_ins()
    {
        using var command = new SqlCommand();
        Sent.AddTo(command, ["a", "b\nc"]);

        var json = (string)command.Parameters["@rows"].Value;
        Assert.StartsWith("""[["a",null],["b\uE00Bc","\uE000""", json, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"\\[^u]", json);
        Assert.Equal(SqlDbType.VarBinary, command.Parameters["@rows_bytes"].SqlDbType);
    }
}
