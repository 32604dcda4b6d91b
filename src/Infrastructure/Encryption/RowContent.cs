using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Secrets.Infrastructure.Encryption;

/// <summary>
/// The values of a row as bytes, in a fixed order and each with its length: no two rows have the same. Logical values, and not what a database makes of them,
/// so that every database gives the same tag.
/// </summary>
internal sealed class RowContent
{
    // Otherwise a lone surrogate, which a column of SQL Server can hold, would be the same as U+FFFD.
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ArrayBufferWriter<byte> _bytes = new();

    public ReadOnlySpan<byte> Bytes => _bytes.WrittenSpan;

    public RowContent Add(ReadOnlySpan<byte> value)
    {
        BinaryPrimitives.WriteInt32BigEndian(_bytes.GetSpan(sizeof(int)), value.Length);
        _bytes.Advance(sizeof(int));
        _bytes.Write(value);
        return this;
    }

    /// <summary>Adds a text.</summary>
    /// <exception cref="EncoderFallbackException">It is no text: the service never wrote it.</exception>
    public RowContent Add(string value) => Add(Strict.GetBytes(value));

    /// <summary>Adds a text, or that there is none: an empty text is another.</summary>
    /// <exception cref="EncoderFallbackException">It is no text: the service never wrote it.</exception>
    public RowContent AddOptional(string? value) => value is null ? AddAbsent() : Add(value);

    /// <summary>Adds bytes, or that there are none.</summary>
    public RowContent AddOptional(byte[]? value) => value is null ? AddAbsent() : Add(value);

    /// <summary>Adds a moment in whole microseconds, or that there is none.</summary>
    public RowContent AddOptional(DateTimeOffset? value) => value is { } moment ? Add(moment) : AddAbsent();

    /// <summary>Adds a moment in whole microseconds, as every database has it.</summary>
    public RowContent Add(DateTimeOffset value) => Add(value.UtcTicks / TimeSpan.TicksPerMicrosecond);

    public RowContent Add(Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        return Add(bytes);
    }

    public RowContent Add(long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        return Add(bytes);
    }

    private RowContent AddAbsent()
    {
        BinaryPrimitives.WriteInt32BigEndian(_bytes.GetSpan(sizeof(int)), -1);
        _bytes.Advance(sizeof(int));
        return this;
    }
}
