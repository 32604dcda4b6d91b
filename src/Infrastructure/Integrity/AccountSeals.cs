using System.Buffers.Binary;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Integrity;

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
    public static long NoncePrefixOf(ReadOnlySpan<byte> @sealed) =>
        @sealed.Length == Account.SealedSize ? BinaryPrimitives.ReadInt64BigEndian(@sealed[IntegrityKey.HeaderSize..]) : 0;

    private static byte[] StatedBy(Account account) => new RowContent().Add(account.Version).Add(account.Count).Add(account.Bytes).Bytes.ToArray();
}
