using FsCheck.Fluent;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.Ring;

namespace Secrets.Infrastructure.Tests.Encryption;

public sealed class UsingTheRootKey
{
    [Fact]
    public void What_is_encrypted_for_a_purpose_opens_for_that_purpose_only() => Generated.ForAll(
        from key in Generated.Key()
        from plaintext in Generated.Bytes(0, 100)
        from purpose in Generated.Text(0, 20)
        from other in Gen.OneOf(Generated.Text(0, 20), Gen.Elements(purpose + " ", purpose + "\0", purpose.ToUpperInvariant()))
        select (Key: key, Plaintext: plaintext, Purpose: purpose, Other: other),
        given =>
        {
            var rootKey = Load(given.Key);
            var box = rootKey.Encrypt(given.Plaintext, given.Purpose);

            Assert.Equal(given.Plaintext, rootKey.Decrypt(box, given.Purpose));
            Assert.Equal(given.Other == given.Purpose, rootKey.Decrypt(box, given.Other) is not null);
        });

    [Fact]
    public void The_purposes_in_use_are_kept_apart()
    {
        var rootKey = Load([.. Enumerable.Range(0, 32).Select(number => (byte)number)]);

        Assert.Null(rootKey.Decrypt(rootKey.Encrypt("Secrets"u8, RootKeyXml.Purpose), "canary"));
        Assert.Null(rootKey.Decrypt(rootKey.Encrypt("Secrets"u8, "canary"), RootKeyXml.Purpose));
    }

    [Fact]
    public void Another_key_opens_nothing() => Generated.ForAll(
        from key in Generated.Key()
        from bit in Gen.Choose(0, 255)
        select (Key: key, Other: WithOtherBit(key, bit)),
        pair => Assert.Null(Load(pair.Other).Decrypt(Load(pair.Key).Encrypt("Secrets"u8, "purpose"), "purpose")));

    [Fact]
    public void Garbage_does_not_open_and_does_not_fail() => Generated.ForAll(
        Generated.Bytes(0, 60),
        bytes => Assert.Null(Load(new byte[32]).Decrypt(bytes, "purpose")));

    [Fact]
    public void A_fingerprint_never_changes()
    {
        // The first 8 bytes of HMAC-SHA-256 over "Secrets.RootKey.Fingerprint", computed by another program. Databases store fingerprints.
        Assert.Equal("88e4399c939d3ff4", RootKey.FingerprintOf([.. Enumerable.Range(0, 32).Select(number => (byte)number)]));
        Assert.Equal("88e4399c939d3ff4", Load([.. Enumerable.Range(0, 32).Select(number => (byte)number)]).Fingerprint);
    }

    [Fact]
    public void Keys_that_differ_in_one_bit_have_other_fingerprints() => Generated.ForAll(
        from key in Generated.Key()
        from bit in Gen.Choose(0, 255)
        select (Key: key, Other: WithOtherBit(key, bit)),
        pair =>
        {
            Assert.Equal(RootKey.FingerprintOf(pair.Key), RootKey.FingerprintOf([.. pair.Key]));
            Assert.NotEqual(RootKey.FingerprintOf(pair.Key), RootKey.FingerprintOf(pair.Other));
            Assert.Matches("^[0-9a-f]{16}$", RootKey.FingerprintOf(pair.Key));
        });

    [Fact]
    public void A_fingerprint_holds_nothing_of_the_key() => Generated.ForAll(
        Generated.Key(),
        key =>
        {
            // Ten equal digits occur by chance once in three billion keys.
            const int Run = 10;
            var hex = Convert.ToHexStringLower(key);
            for (var at = 0; at + Run <= RootKey.FingerprintLength; at++)
            {
                Assert.DoesNotContain(RootKey.FingerprintOf(key).Substring(at, Run), hex, StringComparison.Ordinal);
            }
        });

    [Fact]
    public void Without_a_key_nothing_works()
    {
        Assert.Throws<InvalidOperationException>(() => new RootKey().Fingerprint);
        Assert.Throws<InvalidOperationException>(() => new RootKey().Encrypt("Secrets"u8, "purpose"));
        Assert.Throws<InvalidOperationException>(() => new RootKey().Decrypt(new byte[28], "purpose"));
    }

    private static RootKey Load(byte[] key)
    {
        var rootKey = new RootKey();
        rootKey.Load(key);
        return rootKey;
    }

    private static byte[] WithOtherBit(byte[] key, int bit)
    {
        byte[] other = [.. key];
        other[bit / 8] ^= (byte)(1 << (bit % 8));
        return other;
    }
}
