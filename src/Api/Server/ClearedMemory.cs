using System.Buffers;
using Microsoft.AspNetCore.Connections;
using Secrets.Domain.Secrets;

namespace Secrets.Api.Server;

/// <summary>Has Kestrel receive requests and send answers in memory that is cleared: its own pools hand the next request what the last one left.</summary>
internal sealed class ClearedMemory : IMemoryPoolFactory<byte>
{
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => ClearingPool.Shared;
}
