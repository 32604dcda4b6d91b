using System.Buffers.Binary;
using Secrets.Infrastructure.Encryption;

namespace Secrets.Infrastructure.Integrity;

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
    public const int SealedSize = Integrity.IntegrityKey.HeaderSize + AesGcmBox.Overhead + ContentSize;

    /// <summary>Bytes in the box.</summary>
    internal const int ContentSize = RowDigest.Size + 16;
}

/// <summary>An account as a process knows it.</summary>
/// <param name="Account">What is in it.</param>
/// <param name="Sealed">How the database has it.</param>
internal sealed record CachedAccount(Account Account, byte[] Sealed);

/// <summary>Seals accounts, so that the database holds them and cannot make one.</summary>
/// <param name="integrity">The keys.</param>
/// <param name="purpose">What the accounts are for.</param>
internal sealed class AccountSeals(IntegrityKeys integrity, string purpose)
{
    /// <summary>Seals an account for its holder.</summary>
    public byte[] Seal(ReadOnlySpan<byte> holder, Account account)
    {
        Span<byte> content = stackalloc byte[Account.ContentSize];
        account.Digest.WriteTo(content);
        account.CurrentKey.TryWriteBytes(content[RowDigest.Size..], bigEndian: true, out _);
        return integrity.Get(account.IntegrityKey).Encrypt(purpose, holder, content, StatedBy(account));
    }

    /// <summary>The account that was sealed; null: not this one, or for another holder.</summary>
    /// <param name="holder">Whose account.</param>
    /// <param name="stated">Version, count and bytes as the row has them: the seal authenticates them.</param>
    /// <param name="sealed">The seal.</param>
    public Account? Open(ReadOnlySpan<byte> holder, Account stated, ReadOnlySpan<byte> @sealed) =>
        integrity.KeyOf(@sealed) is { } key && key.Decrypt(purpose, holder, @sealed, StatedBy(stated)) is { Length: Account.ContentSize } content
            ? stated with { Digest = new RowDigest(content), CurrentKey = new Guid(content.AsSpan(RowDigest.Size), bigEndian: true), IntegrityKey = key.Number }
            : null;

    /// <summary>The first eight bytes of the nonce: two boxes of one version differ in them. 0 if the size is not that of a box.</summary>
    public static long MarkOf(ReadOnlySpan<byte> @sealed) =>
        @sealed.Length == Account.SealedSize ? BinaryPrimitives.ReadInt64BigEndian(@sealed[IntegrityKey.HeaderSize..]) : 0;

    private static byte[] StatedBy(Account account) => new RowContent().Add(account.Version).Add(account.Count).Add(account.Bytes).Bytes.ToArray();
}
