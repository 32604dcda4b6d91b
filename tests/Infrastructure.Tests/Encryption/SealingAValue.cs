using System.Text;
using FsCheck.Fluent;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Encryption;

namespace Secrets.Infrastructure.Tests.Encryption;

public sealed class SealingAValue
{
    [Fact]
    public void Every_value_comes_back_from_the_place_it_was_sealed_for() => Generated.ForAll(
        from keyId in Generated.Uuid()
        from key in Generated.Key()
        from placement in Generated.Placement()
        from text in Gen.OneOf(Generated.Text(4, 60), Generated.Text(1024, 1024))
        select (KeyId: keyId, Key: key, Placement: placement, Text: text),
        given =>
        {
            var envelope = Envelope.Seal(given.KeyId, given.Key, given.Placement, Values.Of(given.Text));

            Assert.Equal(given.Text, Envelope.Open(given.Key, given.Placement, envelope)?.Text());
            Assert.Equal(given.KeyId, Envelope.KeyIdOf(envelope));
            Assert.Equal(1 + 16 + 12 + 16 + Encoding.UTF8.GetByteCount(given.Text), envelope.Length);
        });

    [Fact]
    public void Sealing_the_same_twice_gives_envelopes_that_share_nothing_but_the_header() => Generated.ForAll(
        from key in Generated.Key()
        from placement in Generated.Placement()
        from text in Generated.Text(4, 60)
        select (Key: key, Placement: placement, Text: text),
        given =>
        {
            var one = Envelope.Seal(Guid.Empty, given.Key, given.Placement, Values.Of(given.Text));
            var other = Envelope.Seal(Guid.Empty, given.Key, given.Placement, Values.Of(given.Text));

            Assert.Equal(one[..17], other[..17]);
            Assert.NotEqual(one[17..29], other[17..29]);
            Assert.NotEqual(one[29..45], other[29..45]);
            Assert.NotEqual(one[45..], other[45..]);
        },
        300);

    [Fact]
    public void Ten_thousand_seals_use_ten_thousand_nonces()
    {
        var placement = new Placement(
            SecretOwner.User(Guid.Empty), Guid.Empty, "name", new ToolBinding(null, null, IsDefault: false), WorkspaceAccess.All, 1);
        var nonces = Enumerable.Range(0, 10_000)
            .Select(_ => Convert.ToHexString(Envelope.Seal(Guid.Empty, new byte[32], placement, Values.Of("1234")), 17, 12))
            .ToHashSet();

        Assert.Equal(10_000, nonces.Count);
    }

    [Fact]
    public void The_value_is_not_in_the_envelope() => Generated.ForAll(
        from key in Generated.Key()
        from placement in Generated.Placement()
        from text in Generated.Text(8, 60)
        select (Key: key, Placement: placement, Text: text),
        given =>
        {
            var envelope = Envelope.Seal(Guid.Empty, given.Key, given.Placement, Values.Of(given.Text));

            Assert.Equal(-1, envelope.AsSpan().IndexOf(Encoding.UTF8.GetBytes(given.Text)));
        },
        300);

    [Fact]
    public void An_envelope_of_the_first_format_still_opens()
    {
        // Made by another implementation of AES-GCM from the description of the format: stored envelopes must stay readable.
        var placement = new Placement(
            new SecretOwner(OwnerKind.Organization, "acme"),
            new Guid("00112233-4455-6677-8899-aabbccddeeff"),
            "linear-kéy",
            new ToolBinding("agno__linear__*", ToolArg: null, IsDefault: false),
            new WorkspaceAccess(WorkspaceRule.Some, []),
            258);
        var key = Convert.FromHexString("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F");
        var envelope = Convert.FromHexString("010198A00000007000800000000000000A0F0E0D0C0B0A0908070605042C9494FAE34B4CB8EC679423C4D50F2D"
            + "D7F3183F29B2DB831B4025CE");

        Assert.Equal(new Guid("0198a000-0000-7000-8000-00000000000a"), Envelope.KeyIdOf(envelope));
        Assert.Equal("s\u00E9cret-\U0001F511", Envelope.Open(key, placement, envelope)?.Text());
    }
}
