using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Secrets.Api.Limits;

/// <summary>An address as limits count it: an IPv4 address, or the /64 of an IPv6 address, all of which its holder has.</summary>
/// <param name="Bits">The address or network.</param>
/// <param name="Family">Of which kind; unspecified: not from a network.</param>
internal readonly record struct Network(ulong Bits, AddressFamily Family)
{
    /// <summary>Networks that are told apart at one time. Beyond that some share a limit: memory is bounded whoever comes from wherever.</summary>
    public const int MaxPartitions = 1 << 16;

    /// <summary>One of <see cref="MaxPartitions"/>. Nobody outside can foresee which networks share one: the hash has a seed of this process.</summary>
    public int Partition => HashCode.Combine(Bits, Family) & (MaxPartitions - 1);

    /// <summary>The network of an address.</summary>
    public static Network FromAddress(IPAddress? address)
    {
        if (address is null)
        {
            return new Network(0, AddressFamily.Unspecified);
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        return address.AddressFamily == AddressFamily.InterNetwork ? new Network(BinaryPrimitives.ReadUInt32BigEndian(bytes), AddressFamily.InterNetwork)
            : address.IsIPv4MappedToIPv6 ? new Network(BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]), AddressFamily.InterNetwork)
            : new Network(BinaryPrimitives.ReadUInt64BigEndian(bytes), AddressFamily.InterNetworkV6);
    }
}
