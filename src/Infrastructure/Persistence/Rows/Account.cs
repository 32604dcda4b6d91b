using Secrets.Infrastructure.Encryption;

namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>Identifies the current rows of an owner or of a user's API keys (docs/decisions/0020-the-database-is-not-trusted.md).</summary>
/// <param name="Version">The number of changes; 0 before the first.</param>
/// <param name="Count">The number of counted rows.</param>
/// <param name="Bytes">The bytes that count against the quota.</param>
/// <param name="Digest">The sum of the rows' digests.</param>
/// <param name="CurrentKey">The data key that seals new values; the nil uuid if there is none.</param>
/// <param name="IntegrityKey">The number of the integrity key for the digests and the box.</param>
internal readonly record struct Account(long Version, int Count, long Bytes, RowDigest Digest, Guid CurrentKey, int IntegrityKey)
{
    /// <summary>Bytes of a sealed account: format, number of the integrity key, box of digest and current key.</summary>
    public const int SealedSize = Encryption.IntegrityKey.HeaderSize + AesGcmBox.Overhead + ContentSize;

    /// <summary>Bytes in the box.</summary>
    internal const int ContentSize = RowDigest.Size + 16;
}

/// <summary>A cached account.</summary>
/// <param name="Account">The content.</param>
/// <param name="Sealed">The sealed form in the database.</param>
internal sealed record CachedAccount(Account Account, byte[] Sealed);
