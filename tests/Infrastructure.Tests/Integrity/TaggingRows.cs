using System.Text;
using FsCheck.Fluent;
using Secrets.Infrastructure.Encryption;

namespace Secrets.Infrastructure.Tests.Integrity;

/// <summary>Tags of rows are stable across replicas, databases and releases, and valid for one content and one purpose only.</summary>
public sealed class TaggingRows
{
    private readonly IntegrityKey _key = new(3, [.. Enumerable.Range(0, IntegrityKey.Size).Select(number => (byte)number)]);

    /// <summary>Computed with an independent implementation of HKDF and HMAC, from the definition in decision 20.</summary>
    [Fact]
    public void They_are_what_the_decision_defines()
    {
        Assert.Equal(
            "0100036bbeeb55ee5a63adce6f0f53f7328bcccdde6e726d77c62586eb31dea464cbc6",
            Convert.ToHexStringLower(_key.Tag("key_ring/row", new RowContent().Add("name").Add("<key/>").Bytes)));
        Assert.Equal(
            "010003b4a0b41d124a2858ac805f163c3f97522796191cdd16740b95d593e0f99513e2",
            Convert.ToHexStringLower(_key.Tag("key_state", new RowContent().Add(7L).Add(0L).Bytes)));
    }

    [Fact]
    public void They_verify_for_their_content_purpose_key_and_number_only()
    {
        var content = new RowContent().Add("a").Add("b").Bytes.ToArray();
        var tag = _key.Tag("purpose", content);
        var other = new IntegrityKey(3, new byte[IntegrityKey.Size]);
        var numbered = new IntegrityKey(4, [.. Enumerable.Range(0, IntegrityKey.Size).Select(number => (byte)number)]);

        Assert.True(_key.Verifies(tag, "purpose", content));
        Assert.False(_key.Verifies(tag, "another", content));
        Assert.False(_key.Verifies(tag, "purpose", content.AsSpan(1)));
        Assert.False(other.Verifies(tag, "purpose", content));
        Assert.False(numbered.Verifies(tag, "purpose", content));
        Assert.All(Enumerable.Range(0, tag.Length), length => Assert.False(_key.Verifies(tag.AsSpan(0, length), "purpose", content)));
        Assert.All(Enumerable.Range(0, tag.Length * 8), bit =>
        {
            var changed = tag.ToArray();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(_key.Verifies(changed, "purpose", content));
        });
    }

    [Fact]
    public void No_two_rows_have_the_same_content() => Generated.ForAll(
        from one in Generated.Text(0, 4)
        from other in Generated.Text(0, 4)
        from third in Generated.Text(0, 4)
        select (one, other, third),
        texts =>
        {
            var content = Of(texts.one, texts.other, texts.third);
            Assert.NotEqual(content, Of(texts.one + texts.other, texts.third));
            Assert.NotEqual(content, Of(texts.one, texts.other + texts.third));
            Assert.NotEqual(content, Of(texts.one, texts.other, texts.third, ""));
            Assert.NotEqual(content, Of(texts.one, texts.other, texts.third + "x"));
        });

    [Fact]
    public void What_is_no_text_has_no_content()
    {
        Assert.Throws<EncoderFallbackException>(() => new RowContent().Add("\ud800"));
        Assert.Equal(4 + 3, new RowContent().Add("\ufffd").Bytes.Length);
    }

    private static string Of(params string[] texts) =>
        Convert.ToHexString(texts.Aggregate(new RowContent(), (content, text) => content.Add(text)).Bytes);
}
