using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.Ring;

/// <summary>The key ring as it was at one moment: Data Protection with these entries and no others.</summary>
internal sealed class LoadedRing(IDataProtectionProvider provider, IReadOnlyList<KeyRingRow> rows)
{
    private long _seenAt;

    /// <summary>The entries.</summary>
    public IReadOnlyList<KeyRingRow> Rows => rows;

    /// <summary>When it was last seen to be the one in the database.</summary>
    public required DateTimeOffset SeenAt
    {
        get => new(Volatile.Read(ref _seenAt), TimeSpan.Zero);
        set => Volatile.Write(ref _seenAt, value.UtcTicks);
    }

    /// <summary>Whether the ring in the database has the same entries.</summary>
    public bool HasEntries(IReadOnlyList<KeyRingRow> now) => rows.Select(row => row.Name).ToHashSet(StringComparer.Ordinal).SetEquals(now.Select(row => row.Name));

    /// <summary>See <see cref="KeyRing.Wrap"/>.</summary>
    public byte[] Wrap(byte[] key, string[] purpose) => provider.CreateProtector(purpose).Protect(key);

    /// <summary>See <see cref="KeyRing.Unwrap"/>.</summary>
    public byte[]? Unwrap(byte[] wrapped, string[] purpose)
    {
        try
        {
            return provider.CreateProtector(purpose).Unprotect(wrapped);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}
