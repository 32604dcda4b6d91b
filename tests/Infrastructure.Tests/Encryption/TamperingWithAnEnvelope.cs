using FsCheck.Fluent;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Encryption;

namespace Secrets.Infrastructure.Tests.Encryption;

public sealed class TamperingWithAnEnvelope
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(number => (byte)number)];
    private static readonly Placement Place = new(
        SecretOwner.User(Guid.Empty),
        Guid.Empty,
        "name",
        new ToolBinding("agno__linear__*", "api_token", IsDefault: true),
        WorkspaceAccess.All,
        7);

    public static TheoryData<string> Values => ["1234", "sk-live-0123456789abcdef0123456789abcdef", "\U0001F511\u00E9\u4E2D\u0301"];

    [Theory]
    [MemberData(nameof(Values))]
    public void No_byte_of_it_can_be_changed(string value)
    {
        var envelope = Seal(value);
        foreach (var at in Enumerable.Range(0, envelope.Length))
        {
            foreach (var mask in new byte[] { 0x01, 0x02, 0x08, 0x10, 0x40, 0x80, 0x55, 0xFF })
            {
                envelope[at] ^= mask;
                Assert.True(Envelope.Open(Key, Place, envelope) is null, $"byte {at} changed by {mask:X2}");
                envelope[at] ^= mask;
            }
        }

        Assert.Equal(value, Envelope.Open(Key, Place, envelope)?.Text());
    }

    [Theory]
    [MemberData(nameof(Values))]
    public void It_cannot_be_cut(string value)
    {
        var envelope = Seal(value);
        foreach (var length in Enumerable.Range(0, envelope.Length))
        {
            Assert.Null(Envelope.Open(Key, Place, envelope.AsSpan(0, length)));
            Assert.Null(Envelope.Open(Key, Place, envelope.AsSpan(envelope.Length - length)));
            Assert.Null(Envelope.Open(Key, Place, [.. envelope[..length], .. envelope[(length + 1)..]]));
        }
    }

    [Theory]
    [MemberData(nameof(Values))]
    public void Nothing_can_be_added_to_it(string value)
    {
        var envelope = Seal(value);
        foreach (var at in Enumerable.Range(0, envelope.Length + 1))
        {
            foreach (var count in new[] { 1, 15, 16, 17 })
            {
                Assert.Null(Envelope.Open(Key, Place, [.. envelope[..at], .. new byte[count], .. envelope[at..]]));
            }
        }
    }

    [Fact]
    public void Parts_of_two_envelopes_of_one_place_do_not_fit_together()
    {
        var (one, other) = (Seal("1234"), Seal("5678"));
        foreach (var at in Enumerable.Range(18, one.Length - 18))
        {
            Assert.Null(Envelope.Open(Key, Place, [.. one[..at], .. other[at..]]));
        }
    }

    [Fact]
    public void Garbage_has_a_key_id_or_none_and_never_opens_or_fails()
    {
        var withKeyId = 0;
        Generated.ForAll(
            from format in Gen.Choose(0, 2)
            from bytes in Generated.Bytes(0, 80)
            select bytes.Length == 0 ? bytes : [(byte)format, .. bytes[1..]],
            bytes =>
            {
                var isOurs = bytes.Length >= 17 && bytes[0] == 1;

                Assert.Equal(isOurs ? new Guid(bytes.AsSpan(1, 16), bigEndian: true) : null, Envelope.KeyIdOf(bytes));
                Assert.Null(Envelope.Open(Key, Place, bytes));
                withKeyId += isOurs ? 1 : 0;
            },
            5_000);

        Assert.InRange(withKeyId, 500, 4_500);
    }

    private static byte[] Seal(string value) =>
        Envelope.Seal(new Guid("0198a000-0000-7000-8000-00000000000a"), Key, Place, Secrets.Tests.Values.Of(value));
}
