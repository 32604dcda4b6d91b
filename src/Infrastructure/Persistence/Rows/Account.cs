using Secrets.Infrastructure.Encryption;

namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>Which rows of a holder are the current ones (docs/decisions/0020-the-database-is-not-trusted.md).</summary>
/// <param name="Version">How often they were changed; 0: never.</param>
/// <param name="Count">How many there are, as far as they are counted.</param>
/// <param name="Bytes">What they take of a quota.</param>
/// <param name="Digest">The sum of their digests.</param>
/// <param name="CurrentKey">The data key that new values are sealed with; the nil uuid: there is none.</param>
/// <param name="IntegrityKey">The number of the key that the digests and the box are made with.</param>
internal readonly record struct Account(long Version, int Count, long Bytes, RowDigest Digest, Guid CurrentKey, int IntegrityKey)
{
    /// <summary>Bytes of a sealed account: format, number of the integrity key, box of digest and current key.</summary>
    public const int SealedSize = Encryption.IntegrityKey.HeaderSize + AesGcmBox.Overhead + ContentSize;

    /// <summary>Bytes in the box.</summary>
    internal const int ContentSize = RowDigest.Size + 16;
}

/// <summary>An account as a process knows it.</summary>
/// <param name="Account">What is in it.</param>
/// <param name="Sealed">How the database has it.</param>
internal sealed record CachedAccount(Account Account, byte[] Sealed);
