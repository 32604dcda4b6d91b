using System.Globalization;
using System.Security.Cryptography;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.Ring;

/// <summary>Makes integrity keys, and encrypts and decrypts them with the root key.</summary>
internal sealed class IntegrityKeyWrapping(RootKey rootKey)
{
    /// <summary>Makes a key with this number.</summary>
    public (IntegrityKey Key, byte[] Wrapped) Make(int number)
    {
        var bytes = RandomNumberGenerator.GetBytes(IntegrityKey.Size);
        return (new IntegrityKey(number, bytes), rootKey.Encrypt(bytes, PurposeOf(number)));
    }

    /// <summary>Decrypts the key of a row.</summary>
    /// <exception cref="TamperedException">The row does not decrypt for its number.</exception>
    public IntegrityKey Open(IntegrityKeyRow row) => new(row.Number, Decrypt(row));

    /// <summary>Re-encrypts a row that is under the previous root key. Returns whether the row changed.</summary>
    /// <exception cref="TamperedException">The row does not decrypt for its number.</exception>
    public bool MoveToRootKey(IntegrityKeyRow row)
    {
        var isOutdated = !rootKey.IsCurrent(row.Wrapped, PurposeOf(row.Number));
        if (isOutdated)
        {
            row.Wrapped = rootKey.Encrypt(Decrypt(row), PurposeOf(row.Number));
        }

        return isOutdated;
    }

    private byte[] Decrypt(IntegrityKeyRow row) => row.Number is > 0 and <= ushort.MaxValue && rootKey.Decrypt(row.Wrapped, PurposeOf(row.Number)) is { Length: IntegrityKey.Size } key
        ? key
        : throw new TamperedException($"The integrity key {row.Number} does not open with the root key.");

    private static string PurposeOf(int number) => string.Create(CultureInfo.InvariantCulture, $"integrity-key/{number}");
}
