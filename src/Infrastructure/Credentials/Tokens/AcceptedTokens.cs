using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>
/// Caches accepted tokens, because verifying a signature costs more than the rest of a resolve. An entry ends with the token's lifetime, and when the
/// trusted keys change. Only the hash of a token is stored.
/// </summary>
internal sealed class AcceptedTokens
{
    /// <summary>Tokens of one generation. The cache has at most two generations.</summary>
    public const int Capacity = 4096;

    private readonly BoundedCache<Hash, Entry> _tokens = new(Capacity);

    /// <summary>Finds the caller of a token that was accepted before.</summary>
    public bool TryFind(string text, Trust? trust, DateTimeOffset now, [NotNullWhen(true)] out Caller? caller)
    {
        caller = _tokens.TryFind(Hash.FromText(text), out var entry) && ReferenceEquals(entry.Trust, trust) && now < entry.End ? entry.Caller : null;
        return caller is not null;
    }

    /// <summary>Caches a token.</summary>
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
