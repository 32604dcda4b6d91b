using System.Buffers.Binary;
using System.Buffers.Text;
using Secrets.Domain.Audit;

namespace Secrets.Application.Audit;

/// <summary>A place in the audit: right behind one row. Its text is opaque to clients.</summary>
internal readonly record struct AuditCursor(DateTimeOffset At, Guid Writer, long Sequence)
{
    private const int UuidSize = 16;
    private const int Size = sizeof(long) + UuidSize + sizeof(long);

    public AuditCursor(AuditEntry row)
        : this(row.At, row.Writer, row.Sequence)
    {
    }

    public static AuditCursor? Parse(string? text)
    {
        Span<byte> bytes = stackalloc byte[Size];
        if (text is null || !Base64Url.IsValid(text, out var length) || length != Size
            || !Base64Url.TryDecodeFromChars(text, bytes, out _))
        {
            return null;
        }

        var ticks = BinaryPrimitives.ReadInt64BigEndian(bytes);
        return ticks < DateTimeOffset.MinValue.Ticks || ticks > DateTimeOffset.MaxValue.Ticks
            ? null
            : new AuditCursor(
                new DateTimeOffset(ticks, TimeSpan.Zero),
                new Guid(bytes.Slice(sizeof(long), UuidSize), bigEndian: true),
                BinaryPrimitives.ReadInt64BigEndian(bytes[(sizeof(long) + UuidSize)..]));
    }

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        BinaryPrimitives.WriteInt64BigEndian(bytes, At.UtcTicks);
        Writer.TryWriteBytes(bytes[sizeof(long)..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(bytes[(sizeof(long) + UuidSize)..], Sequence);
        return Base64Url.EncodeToString(bytes);
    }
}
