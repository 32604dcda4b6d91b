using System.Buffers.Binary;
using System.Buffers.Text;

namespace Secrets.Application.Common;

/// <summary>The text of a cursor: a moment and further bytes, in base64url.</summary>
internal static class CursorText
{
    /// <summary>The moment; null: no cursor of that size.</summary>
    /// <param name="text">The cursor in the request.</param>
    /// <param name="bytes">Receives the moment and the further bytes.</param>
    public static DateTimeOffset? Read(string? text, Span<byte> bytes)
    {
        if (text is null || !Base64Url.IsValid(text, out var length) || length != bytes.Length || !Base64Url.TryDecodeFromChars(text, bytes, out _))
        {
            return null;
        }

        var ticks = BinaryPrimitives.ReadInt64BigEndian(bytes);
        return ticks < DateTimeOffset.MinValue.Ticks || ticks > DateTimeOffset.MaxValue.Ticks ? null : new DateTimeOffset(ticks, TimeSpan.Zero);
    }

    /// <summary>The text.</summary>
    /// <param name="moment">The moment.</param>
    /// <param name="bytes">Eight bytes for the moment, then the further bytes.</param>
    public static string Write(DateTimeOffset moment, Span<byte> bytes)
    {
        BinaryPrimitives.WriteInt64BigEndian(bytes, moment.UtcTicks);
        return Base64Url.EncodeToString(bytes);
    }
}
