using System.Buffers.Text;
using FsCheck.Fluent;
using Secrets.Application.Common;
using Secrets.Domain;

namespace Secrets.Application.Tests;

public sealed class ReadingInPages
{
    private const string Characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    private static readonly long[] Edges =
        [-1, 0, long.MinValue, long.MaxValue, DateTimeOffset.MaxValue.Ticks, DateTimeOffset.MaxValue.Ticks + 1];

    [Fact]
    public void A_cursor_survives_a_round_trip() => Generated.ForAll(
        from moment in Moments()
        from id in Generated.Uuid()
        select new PageCursor(moment, id),
        cursor =>
        {
            var text = cursor.ToString();

            Assert.Equal(cursor, PageCursor.Parse(text));
            Assert.Equal(TimeSpan.Zero, PageCursor.Parse(text)!.Value.CreatedAt.Offset);
            Assert.Matches("^[A-Za-z0-9_-]{32}$", text);
        });

    [Fact]
    public void Different_rows_have_different_cursors() => Generated.ForAll(
        from moment in Moments()
        from other in Moments()
        from id in Generated.Uuid()
        from otherId in Generated.Uuid()
        select (A: new PageCursor(moment, id), B: new PageCursor(other, id), C: new PageCursor(moment, otherId)),
        cursors =>
        {
            Assert.Equal(cursors.A == cursors.B, cursors.A.ToString() == cursors.B.ToString());
            Assert.Equal(cursors.A == cursors.C, cursors.A.ToString() == cursors.C.ToString());
        });

    [Fact]
    public void A_stored_cursor_stays_readable() => Assert.Equal(
        new PageCursor(Noon, new Guid("00112233-4455-6677-8899-aabbccddeeff")),
        PageCursor.Parse("CN5J9nSWoAAAESIzRFVmd4iZqrvM3e7_"));

    [Fact]
    public void Any_bytes_of_the_right_length_parse_without_an_exception() => Generated.ForAll(
        from ticks in Gen.OneOf(Generated.Long(), Gen.Elements(Edges))
        from id in Generated.Bytes(16, 16)
        select (Ticks: ticks, Text: Base64Url.EncodeToString([.. BitConverter.GetBytes(ticks).Reverse(), .. id])),
        given =>
        {
            var isMoment = given.Ticks >= 0 && given.Ticks <= DateTimeOffset.MaxValue.Ticks;

            Assert.Equal(isMoment ? given.Ticks : null, PageCursor.Parse(given.Text)?.CreatedAt.Ticks);
        },
        5_000);

    [Fact]
    public void Other_text_is_refused_without_an_exception()
    {
        var read = 0;
        Generated.ForAll(
            Gen.OneOf(
                Generated.TextOf(Characters, 0, 40),
                Generated.TextOf(Characters, 32, 32),
                Generated.TextOf("A", 30, 34),
                Generated.TextOf("A=+/ \n\0\u00E9\uD83D", 0, 40),
                from start in Generated.TextOf("A", 28, 32)
                from end in Generated.TextOf("A= \n%", 0, 4)
                select start + end),
            text =>
            {
                // A parsed cursor has 24 bytes, so writing and parsing it again gives the same position.
                if (PageCursor.Parse(text) is { } cursor)
                {
                    Assert.Equal(cursor, PageCursor.Parse(cursor.ToString()));
                    read++;
                }
                else
                {
                    Assert.NotEqual(new string('A', 32), text);
                }
            },
            20_000);

        Assert.InRange(read, 100, 19_000);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("cursor")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("__________8AAAAAAAAAAAAAAAAAAAAA")]
    public void Other_lengths_and_impossible_timestamps_are_refused(string? text) => Assert.Null(PageCursor.Parse(text));

    [Fact]
    public void Pages_of_any_size_together_are_the_list() => Generated.ForAllAsync(
        from moments in Gen.Choose(0, 5).ListOf(12)
        from limit in Gen.Choose(1, 14)
        from ids in Generated.Uuid().ListOf(12)
        select (Rows: moments.Zip(ids, (minute, id) => new Row(id, Noon.AddMinutes(minute))).ToArray(), Limit: limit),
        async list =>
        {
            var expected = list.Rows.OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).Where(Admitted).ToArray();
            var read = new List<Row>();
            string? cursor = null;
            do
            {
                var request = new Request(list.Limit, cursor);
                var page = await list.Rows.AsQueryable().InOrder(request).ToAsyncEnumerable()
                    .Where(Admitted).ToPageAsync(request, TestContext.Current.CancellationToken);
                read.AddRange(page.Items);
                cursor = page.NextCursor;

                Assert.InRange(page.Items.Count, expected.Length == 0 ? 0 : 1, list.Limit);
                Assert.Equal(read.Count < expected.Length, cursor is not null);
            }
            while (cursor is not null);

            Assert.Equal(expected, read);
        });

    [Fact]
    public async Task Without_a_limit_everything_is_one_page()
    {
        var rows = Enumerable.Range(0, 3_000).Select(at => new Row(Guid.CreateVersion7(), Noon.AddSeconds(at))).ToArray();

        var page = await rows.ToAsyncEnumerable()
            .ToPageAsync(new Request(Limit: null, Cursor: null), TestContext.Current.CancellationToken);

        Assert.Equal(rows, page.Items);
        Assert.Null(page.NextCursor);
    }

    /// <summary>Excludes a seventh of the rows, like a filter that the database cannot apply.</summary>
    private static bool Admitted(Row row) => row.Id.ToByteArray()[0] % 7 != 0;

    private static FsCheck.Gen<DateTimeOffset> Moments() => Gen.OneOf(
        Generated.Long().Select(number => new DateTimeOffset((number & long.MaxValue) % DateTimeOffset.MaxValue.Ticks, TimeSpan.Zero)),
        Gen.Choose(-3, 3).Select(hours => new DateTimeOffset(Noon.Ticks, TimeSpan.FromHours(hours))),
        Gen.Elements(DateTimeOffset.MinValue, DateTimeOffset.MaxValue));

    private sealed record Row(Guid Id, DateTimeOffset CreatedAt) : IListed;

    private sealed record Request(int? Limit, string? Cursor) : IPaged;
}
