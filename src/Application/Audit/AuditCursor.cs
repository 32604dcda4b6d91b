using System.Buffers.Binary;
using Secrets.Application.Common;

namespace Secrets.Application.Audit;

/// <summary>A position in the audit, right behind a row. The text is opaque to clients.</summary>
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
        return CursorText.Read(text, bytes) is { } moment
            ? new AuditCursor(
                moment,
                new Guid(bytes.Slice(sizeof(long), UuidSize), bigEndian: true),
                BinaryPrimitives.ReadInt64BigEndian(bytes[(sizeof(long) + UuidSize)..]))
            : null;
    }

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        Writer.TryWriteBytes(bytes[sizeof(long)..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(bytes[(sizeof(long) + UuidSize)..], Sequence);
        return CursorText.Write(At, bytes);
    }
}
