using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Secrets.Api.Server;

/// <summary>Gives Kestrel memory that is cleared after use. Its own pools pass the previous content on to the next request.</summary>
internal sealed class ClearedMemory : IMemoryPoolFactory<byte>
{
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => ClearingPool.Shared;
}
