using FsCheck.Fluent;
using Secrets.Infrastructure.Encryption;

namespace Secrets.Infrastructure.Tests.Encryption;

public sealed class BoxingWithAesGcm
{
    /// <summary>Test case 16 of McGrew and Viega, "The Galois/Counter Mode of Operation": 256-bit key, 96-bit nonce, associated data.</summary>
    private static readonly byte[] Key = Convert.FromHexString("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    private static readonly byte[] Nonce = Convert.FromHexString("cafebabefacedbaddecaf888");
    private static readonly byte[] AssociatedData = Convert.FromHexString("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    private static readonly byte[] Tag = Convert.FromHexString("76fc6ece0f4e1768cddf8853bb2d551b");
    private static readonly byte[] Plaintext = Convert.FromHexString(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");

    private static readonly byte[] Ciphertext = Convert.FromHexString(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662");

    [Fact]
    public void A_box_is_nonce_tag_ciphertext_and_the_published_vector_opens() =>
        Assert.Equal(Plaintext, AesGcmBox.Open(Key, [.. Nonce, .. Tag, .. Ciphertext], AssociatedData));

    [Fact]
    public void The_published_vector_with_anything_changed_does_not_open()
    {
        Assert.Null(AesGcmBox.Open(Key, [.. Nonce, .. Tag, .. Ciphertext], []));
        Assert.Null(AesGcmBox.Open(Key, [.. Nonce, .. Tag, .. Ciphertext], AssociatedData.AsSpan(1)));
        Assert.Null(AesGcmBox.Open(Key, [.. Tag, .. Nonce, .. Ciphertext], AssociatedData));
        Assert.Null(AesGcmBox.Open(Key, [.. Nonce, .. Ciphertext, .. Tag], AssociatedData));
        Assert.Null(AesGcmBox.Open(Nonce.Concat(Key).Take(32).ToArray(), [.. Nonce, .. Tag, .. Ciphertext], AssociatedData));
    }

    [Fact]
    public void Any_bytes_come_back() => Generated.ForAll(
        from key in Generated.Key()
        from plaintext in Generated.Bytes(0, 300)
        from associatedData in Generated.Bytes(0, 50)
        select (Key: key, Plaintext: plaintext, AssociatedData: associatedData),
        given =>
        {
            var box = new byte[AesGcmBox.Overhead + given.Plaintext.Length];
            AesGcmBox.Seal(given.Key, given.Plaintext, given.AssociatedData, box);

            Assert.Equal(given.Plaintext, AesGcmBox.Open(given.Key, box, given.AssociatedData));
            Assert.Null(AesGcmBox.Open(given.Key, box, [.. given.AssociatedData, 0]));
        },
        500);

    [Fact]
    public void What_is_too_short_for_a_box_does_not_open()
    {
        for (var length = 0; length < AesGcmBox.Overhead; length++)
        {
            Assert.Null(AesGcmBox.Open(Key, new byte[length], AssociatedData));
        }
    }
}
