using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.Ring;

/// <summary>A snapshot of the key ring: Data Protection with exactly these entries.</summary>
internal sealed class LoadedRing(IDataProtectionProvider provider, IReadOnlyList<KeyRingRow> rows)
{
    private long _seenAt;

    public IReadOnlyList<KeyRingRow> Rows => rows;

    /// <summary>When the database was last seen to have the same ring.</summary>
    public required DateTimeOffset SeenAt
    {
        get => new(Volatile.Read(ref _seenAt), TimeSpan.Zero);
        set => Volatile.Write(ref _seenAt, value.UtcTicks);
    }

    /// <summary>Whether this ring has the same entries as these rows.</summary>
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
