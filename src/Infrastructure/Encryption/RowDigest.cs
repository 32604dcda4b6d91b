using System.Buffers.Binary;

namespace Secrets.Infrastructure.Encryption;

/// <summary>
/// A sum of rows modulo 2^256. Rows can be added and subtracted one by one, in any order. XOR would let two equal rows cancel.
/// (MSet-Add-Hash: Clarke and others, "Incremental Multiset Hash Functions", ASIACRYPT 2003.)
/// </summary>
internal readonly record struct RowDigest
{
    /// <summary>Bytes of a digest.</summary>
    public const int Size = 32;

    // _a is the least significant.
    private readonly ulong _a;
    private readonly ulong _b;
    private readonly ulong _c;
    private readonly ulong _d;

    /// <summary>Reads a digest from <see cref="Size"/> bytes, big-endian.</summary>
    public RowDigest(ReadOnlySpan<byte> bytes) => (_a, _b, _c, _d) = (
        BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]),
        BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]),
        BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt64BigEndian(bytes));

    private RowDigest(UInt128 low, UInt128 high) => (_a, _b, _c, _d) = ((ulong)low, (ulong)(low >> 64), (ulong)high, (ulong)(high >> 64));

    private UInt128 Low => new(_b, _a);

    private UInt128 High => new(_d, _c);

    /// <summary>Adds the digests of several rows.</summary>
    public static RowDigest Sum(IEnumerable<RowDigest> digests) => digests.Aggregate(default(RowDigest), (sum, digest) => sum + digest);

    public static RowDigest operator +(RowDigest one, RowDigest other)
    {
        var low = unchecked(one.Low + other.Low);
        var carry = low < one.Low ? UInt128.One : UInt128.Zero;
        return new RowDigest(low, unchecked(one.High + other.High + carry));
    }

    public static RowDigest operator -(RowDigest one, RowDigest other)
    {
        var borrow = one.Low < other.Low ? UInt128.One : UInt128.Zero;
        return new RowDigest(unchecked(one.Low - other.Low), unchecked(one.High - other.High - borrow));
    }

    /// <summary>Writes the digest as <see cref="Size"/> bytes, big-endian.</summary>
    public void WriteTo(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, _d);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], _c);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], _b);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[24..], _a);
    }

    /// <summary>Hides the sum: with a known sum an attacker can search for other rows that have it.</summary>
    public override string ToString() => "***";
}
