using System.Buffers;
using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Secrets.Domain.Secrets;

/// <summary>
/// Memory for what may hold a value in the clear. It is cleared when its owner is disposed. The arrays are pinned: the garbage collector would leave a copy behind
/// wherever it moves one from. The framework's own pools do neither.
/// </summary>
public sealed class ClearingPool : MemoryPool<byte>
{
    // In such pieces the web server and its pipes work: with smaller ones an answer would be sent in more of them.
    private const int SmallestSize = 4096;
    private const int LargestSize = 1024 * 1024;

    /// <summary>Bytes that are kept of each size for the next who asks, 36 MiB of all; what else is given back is left to the garbage collector.</summary>
    private const int MaxKept = 4 * 1024 * 1024;

    private static readonly int Sizes = BitOperations.Log2(LargestSize / SmallestSize) + 1;

    private readonly Shelf[] _shelves = [.. Enumerable.Range(0, Sizes).Select(at => new Shelf(SmallestSize << at))];

    private ClearingPool()
    {
    }

    /// <summary>The one pool of the process.</summary>
    public static new ClearingPool Shared { get; } = new();

    /// <summary>No bound: where a pool has one, pipes turn to a pool that does not clear.</summary>
    public override int MaxBufferSize => Array.MaxLength;

    /// <summary>Rents memory of at least that many bytes, whose content is not defined.</summary>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        var size = Math.Max(minBufferSize, SmallestSize);
        return size > LargestSize
            ? new Rented(shelf: null, GC.AllocateUninitializedArray<byte>(size, pinned: true))
            : ShelfOf(size).Take();
    }

    /// <summary>Nothing: it is everybody's.</summary>
    protected override void Dispose(bool disposing)
    {
    }

    private Shelf ShelfOf(int size) => _shelves[BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)size) / SmallestSize)];

    private sealed class Shelf(int size)
    {
        private readonly ConcurrentQueue<byte[]> _arrays = new();
        private int _count;

        public Rented Take()
        {
            if (!_arrays.TryDequeue(out var array))
            {
                return new Rented(this, GC.AllocateUninitializedArray<byte>(size, pinned: true));
            }

            Interlocked.Decrement(ref _count);
            return new Rented(this, array);
        }

        public void Put(byte[] array)
        {
            if (Interlocked.Increment(ref _count) <= MaxKept / size)
            {
                _arrays.Enqueue(array);
            }
            else
            {
                Interlocked.Decrement(ref _count);
            }
        }
    }

    /// <summary>One for each time that an array is rented: whoever disposes an owner twice does not give back what somebody else has by then.</summary>
    private sealed class Rented(Shelf? shelf, byte[] array) : IMemoryOwner<byte>
    {
        private byte[]? _array = array;

        public Memory<byte> Memory
        {
            get
            {
                ObjectDisposedException.ThrowIf(_array is null, this);
                return MemoryMarshal.CreateFromPinnedArray(_array, 0, _array.Length);
            }
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _array, null) is { } array)
            {
                CryptographicOperations.ZeroMemory(array);
                shelf?.Put(array);
            }
        }
    }
}
