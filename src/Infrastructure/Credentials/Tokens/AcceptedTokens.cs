using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Secrets.Application.Common;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>
/// Remembers tokens that were accepted, because a signature costs more to verify than all else that a resolve computes. Never past a token's
/// end, and only under the trust that it was accepted by: other keys, and each token is judged anew. What is kept of a token is its hash.
/// </summary>
internal sealed class AcceptedTokens
{
    /// <summary>Tokens of one generation; there are at most two.</summary>
    public const int Capacity = 4096;

    private readonly BoundedCache<Hash, Entry> _tokens = new(Capacity);

    /// <summary>Whom a token stands for that was accepted before.</summary>
    public bool TryFind(string text, Trust? trust, DateTimeOffset now, [NotNullWhen(true)] out Caller? caller)
    {
        caller = _tokens.TryFind(Hash.FromText(text), out var entry) && ReferenceEquals(entry.Trust, trust) && now < entry.End ? entry.Caller : null;
        return caller is not null;
    }

    /// <summary>Remembers a token.</summary>
    public void Add(string text, Trust trust, Caller caller, DateTimeOffset end) => _tokens.Add(Hash.FromText(text), new Entry(trust, caller, end));

    private sealed record Entry(Trust Trust, Caller Caller, DateTimeOffset End);

    private readonly record struct Hash(UInt128 High, UInt128 Low)
    {
        public static Hash FromText(string text)
        {
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(MemoryMarshal.AsBytes(text.AsSpan()), hash);
            return MemoryMarshal.Read<Hash>(hash);
        }
    }
}
