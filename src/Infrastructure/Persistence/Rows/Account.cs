using Secrets.Infrastructure.Encryption;

namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>Identifies the current rows of an owner or of a user's API keys (docs/decisions/0020-the-database-is-not-trusted.md).</summary>
/// <param name="Version">Grows with each change; 0 before the first. See <see cref="Versions.After"/>.</param>
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

    /// <summary>The version of a first change without a counted row, such as the first data key of an owner. It need not be in the audit.</summary>
    internal const long First = 1;

    /// <summary>This account with the version of the next change.</summary>
    public Account WithNextVersion() => this with { Version = Version == 0 && Count == 0 ? First : Versions.After(Version) };

    /// <summary>Whether a row has the latest version that the audit knows.</summary>
    /// <param name="version">The version of the row.</param>
    /// <param name="count">The number of counted rows of the row.</param>
    /// <param name="audited">The latest version in the audit; 0: none.</param>
    public static bool IsLatest(long version, int count, long audited) => version == audited || (version == First && count == 0 && audited == 0);
}

/// <summary>A cached account.</summary>
/// <param name="Account">The content.</param>
/// <param name="Sealed">The sealed form in the database.</param>
internal sealed record CachedAccount(Account Account, byte[] Sealed);
