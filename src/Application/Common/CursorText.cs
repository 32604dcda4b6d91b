using System.Buffers.Binary;
using System.Buffers.Text;

namespace Secrets.Application.Common;

/// <summary>The text of a cursor: a moment and what follows it, in base64url.</summary>
internal static class CursorText
{
    /// <summary>The moment; null: it is not the text of a cursor of that size.</summary>
    /// <param name="text">What was sent.</param>
    /// <param name="bytes">Is filled: the moment, and what follows it.</param>
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
    /// <param name="bytes">Room for it, and what follows it.</param>
    public static string Write(DateTimeOffset moment, Span<byte> bytes)
    {
        BinaryPrimitives.WriteInt64BigEndian(bytes, moment.UtcTicks);
        return Base64Url.EncodeToString(bytes);
    }
}
