using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Secrets.Infrastructure.Encryption;

/// <summary>
/// The values of a row as canonical bytes: in a fixed order, each with its length, so that two different rows never have the same bytes.
/// The bytes do not depend on how a database stores the values, so every database yields the same tag.
/// </summary>
internal sealed class RowContent
{
    // A lenient encoder would map a lone surrogate, which a column of SQL Server can hold, to U+FFFD.
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
    /// <exception cref="EncoderFallbackException">The text has a lone surrogate, so the service did not write it.</exception>
    public RowContent Add(string value) => Add(Strict.GetBytes(value));

    /// <summary>Adds a text or null. Null differs from an empty text.</summary>
    /// <exception cref="EncoderFallbackException">The text has a lone surrogate, so the service did not write it.</exception>
    public RowContent AddOptional(string? value) => value is null ? AddAbsent() : Add(value);

    /// <summary>Adds bytes or null.</summary>
    public RowContent AddOptional(byte[]? value) => value is null ? AddAbsent() : Add(value);

    /// <summary>Adds a moment in whole microseconds, or null.</summary>
    public RowContent AddOptional(DateTimeOffset? value) => value is { } moment ? Add(moment) : AddAbsent();

    /// <summary>Adds a moment in whole microseconds, the precision of every database.</summary>
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
