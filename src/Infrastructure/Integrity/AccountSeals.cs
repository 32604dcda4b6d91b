using System.Buffers.Binary;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Integrity;

/// <summary>
/// Seals the accounts of owners or those of API keys, which <paramref name="purpose"/> tells apart. The database stores a sealed account but cannot forge one.
/// </summary>
internal sealed class AccountSeals(IntegrityKeys integrity, string purpose)
{
    public byte[] Seal(ReadOnlySpan<byte> holder, Account account)
    {
        Span<byte> content = stackalloc byte[Account.ContentSize];
        account.Digest.WriteTo(content);
        account.CurrentKey.TryWriteBytes(content[RowDigest.Size..], bigEndian: true, out _);
        return integrity.Get(account.IntegrityKey).Encrypt(purpose, holder, content, StatedBy(account));
    }

    /// <summary>Opens a sealed account. Null if the seal is for other values, another holder or another purpose.</summary>
    /// <param name="holder">The owner or user of the account.</param>
    /// <param name="stated">Version, count and bytes from the row. The seal authenticates them.</param>
    /// <param name="sealed">The sealed account.</param>
    public Account? Open(ReadOnlySpan<byte> holder, Account stated, ReadOnlySpan<byte> @sealed) =>
        integrity.KeyOf(@sealed) is { } key && key.Decrypt(purpose, holder, @sealed, StatedBy(stated)) is { Length: Account.ContentSize } content
            ? stated with { Digest = new RowDigest(content), CurrentKey = new Guid(content.AsSpan(RowDigest.Size), bigEndian: true), IntegrityKey = key.Number }
            : null;

    /// <summary>The first eight bytes of the nonce. They tell two seals of the same version apart. 0 if the size is wrong.</summary>
    public static long NoncePrefixOf(ReadOnlySpan<byte> @sealed) =>
        @sealed.Length == Account.SealedSize ? BinaryPrimitives.ReadInt64BigEndian(@sealed[IntegrityKey.HeaderSize..]) : 0;

    private static byte[] StatedBy(Account account) => new RowContent().Add(account.Version).Add(account.Count).Add(account.Bytes).Bytes.ToArray();
}
