using FsCheck.Fluent;
using Secrets.Application.Common;

namespace Secrets.Application.Tests;

public sealed class ParsingUuids
{
    private static readonly Guid One = new("01890a5d-ac96-774b-bcce-b302099a8057");

    [Theory]
    [InlineData("01890a5d-ac96-774b-bcce-b302099a8057")]
    [InlineData("01890A5D-AC96-774B-BCCE-B302099A8057")]
    [InlineData("01890a5dac96774bbcceb302099a8057")]
    [InlineData("01890A5Dac96774BBCCEb302099a8057")]
    public void A_UUID_has_all_hyphens_or_none(string text) => Assert.Equal(One, Uuids.Parse(text));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("{01890a5d-ac96-774b-bcce-b302099a8057}")]
    [InlineData("(01890a5d-ac96-774b-bcce-b302099a8057)")]
    [InlineData("{01890a5dac96774bbcceb302099a8057}")]
    [InlineData("urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057")]
    [InlineData("{0x01890a5d,0xac96,0x774b,{0xbc,0xce,0xb3,0x02,0x09,0x9a,0x80,0x57}}")]
    [InlineData("01890a5dac96-774b-bcce-b302099a8057")]
    [InlineData("01890a5d-ac96-774bbcceb302099a8057")]
    [InlineData("01890a5d-ac96774b-bcce-b302099a8057-")]
    [InlineData(" 01890a5d-ac96-774b-bcce-b302099a8057")]
    [InlineData("01890a5d-ac96-774b-bcce-b302099a8057\n")]
    [InlineData("01890a5dac96774bbcceb302099a8057 ")]
    [InlineData(" 01890a5dac96774bbcceb302099a805")]
    [InlineData("0x890a5d-ac96-774b-bcce-b302099a8057")]
    [InlineData("+1890a5d-ac96-774b-bcce-b302099a8057")]
    [InlineData("01890a5d-+c96-774b-bcce-b302099a8057")]
    [InlineData("01890a5d-0x96-774b-bcce-b302099a8057")]
    [InlineData("01890a5dac96774bbcceb302099a805g")]
    [InlineData("01890a5d_ac96_774b_bcce_b302099a8057")]
    [InlineData("\uFF1001890a5dac96774bbcceb302099a805")]
    public void Other_texts_are_refused(string? text) => Assert.Null(Uuids.Parse(text));

    [Fact]
    public void A_UUID_survives_a_round_trip_and_an_edited_one_differs() => Generated.ForAll(
        from uuid in Generated.Uuid()
        from format in Gen.Elements("N", "D")
        from at in Gen.Choose(0, 31)
        from other in Generated.TextOf("0123456789abcdefABCDEF-+xX {}g", 1, 1)
        select (Uuid: uuid, Text: uuid.ToString(format), At: at, Other: other),
        given =>
        {
            var changed = given.Text.Remove(given.At, 1).Insert(given.At, given.Other);
            var isUuid = changed.Replace("-", "", StringComparison.Ordinal) is { Length: 32 } digits && digits.All(char.IsAsciiHexDigit);

            Assert.Equal(given.Uuid, Uuids.Parse(given.Text));
            Assert.Equal(given.Uuid, Uuids.Parse(given.Text.ToUpperInvariant()));
            Assert.Equal(isUuid ? new Guid(changed) : null, Uuids.Parse(changed));
        });
}
