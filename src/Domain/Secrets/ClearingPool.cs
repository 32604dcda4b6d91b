using System.Buffers;
using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Secrets.Domain.Secrets;

/// <summary>
/// Memory for buffers that may hold a plaintext value. Disposing a buffer clears it. The arrays are pinned, because the garbage collector
/// leaves a copy behind when it moves an array. The framework's own pools neither clear nor pin.
/// </summary>
public sealed class ClearingPool : MemoryPool<byte>
{
    // Most values fit. Clearing a larger array would take longer than the copy of the value.
    private const int SmallestSize = 256;

    // The block size of Kestrel and its pipes: smaller blocks would split an answer into more pieces.
    private const int BlockSize = 4096;
    private const int LargestSize = 1024 * 1024;

    /// <summary>Bytes of returned arrays kept for each size, 52 MiB in all. The garbage collector takes the rest.</summary>
    private const int MaxKept = 4 * 1024 * 1024;

    private static readonly int Sizes = BitOperations.Log2(LargestSize / SmallestSize) + 1;

    private readonly Shelf[] _shelves = [.. Enumerable.Range(0, Sizes).Select(at => new Shelf(SmallestSize << at))];

    private ClearingPool()
    {
    }

    /// <summary>The one pool of the process.</summary>
    public static new ClearingPool Shared { get; } = new();

    /// <summary>No limit: above a pool's limit, pipes rent from a pool that does not clear.</summary>
    public override int MaxBufferSize => Array.MaxLength;

    /// <summary>Rents memory of at least that many bytes; 0 or less: a block of Kestrel's size. The content is undefined.</summary>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        var size = minBufferSize <= 0 ? BlockSize : Math.Max(minBufferSize, SmallestSize);
        return size > LargestSize
            ? new Rented(shelf: null, GC.AllocateUninitializedArray<byte>(size, pinned: true))
            : ShelfOf(size).Take();
    }

    /// <summary>Does nothing: the pool is shared.</summary>
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

    /// <summary>One instance for each rental: a second Dispose must not return an array that somebody else has rented since.</summary>
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
