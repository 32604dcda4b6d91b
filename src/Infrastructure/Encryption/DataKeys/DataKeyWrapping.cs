using System.Globalization;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.DataKeys;

/// <summary>Wraps data keys with the key ring. Owner and key id are bound to the wrapped key.</summary>
internal sealed partial class DataKeyWrapping(KeyRing ring, ILogger<DataKeyWrapping> logger)
{
    public byte[] Wrap(SecretOwner owner, DataKey key) => ring.Wrap(key.Bytes, PurposeOf(owner, key.Id));

    /// <summary>Unwraps the key of a row. Returns null if it was wrapped for another owner or id, or was changed.</summary>
    public DataKey? Unwrap(DataKeyRow row)
    {
        if (ring.Unwrap(row.Wrapped, PurposeOf(row)) is { } key)
        {
            return new DataKey(row.Id, key);
        }

        Broken(row.Id, row.OwnerId);
        return null;
    }

    /// <summary>See <see cref="KeyRing.Rewrap"/>.</summary>
    public Rewrapping Rewrap(DataKeyRow row, LoadedRing survivors)
    {
        var rewrapping = ring.Rewrap(row.Wrapped, survivors, PurposeOf(row));
        if (!rewrapping.IsSound)
        {
            Broken(row.Id, row.OwnerId);
        }

        return rewrapping;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Data key {KeyId} of {Owner} does not unwrap: its row was changed outside the service, or this process cannot read its key of the key ring")]
    private partial void Broken(Guid keyId, string owner);

    private static string[] PurposeOf(DataKeyRow row) => PurposeOf(new SecretOwner(row.OwnerKind, row.OwnerId), row.Id);

    private static string[] PurposeOf(SecretOwner owner, Guid keyId) =>
        ["Secrets.DataKey", ((int)owner.Kind).ToString(CultureInfo.InvariantCulture), owner.Id, keyId.ToString("D")];
}
