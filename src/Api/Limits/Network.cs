using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Secrets.Api.Limits;

/// <summary>An address as limits count it: an IPv4 address, or the /64 of an IPv6 address, because one client usually has all of a /64.</summary>
/// <param name="Bits">The address or network.</param>
/// <param name="Family">The kind of address; unspecified: no network connection.</param>
internal readonly record struct Network(ulong Bits, AddressFamily Family)
{
    /// <summary>Number of partitions. Networks beyond that share a limit, so that memory is bounded.</summary>
    public const int MaxPartitions = 1 << 16;

    /// <summary>A number below <see cref="MaxPartitions"/>. Outsiders cannot predict which networks share one, because the hash has a random seed.</summary>
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
