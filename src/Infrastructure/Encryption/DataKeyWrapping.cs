using System.Globalization;
using Microsoft.Extensions.Logging;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Encryption;

/// <summary>Wraps data keys with the key ring, each for its owner and id.</summary>
internal sealed partial class DataKeyWrapping(KeyRing ring, ILogger<DataKeyWrapping> logger)
{
    public byte[] Wrap(SecretOwner owner, DataKey key) => ring.Wrap(key.Bytes, PurposeOf(owner, key.Id));

    /// <summary>The key of a row, and whether it is wrapped with an old key of the ring; null when it was wrapped for another owner or id, or changed.</summary>
    public (DataKey Key, bool IsOutdated)? Open(DataKeyRow row)
    {
        if (ring.Unwrap(row.Wrapped, PurposeOf(new SecretOwner(row.OwnerKind, row.OwnerId), row.Id)) is { } unwrapped)
        {
            return (new DataKey(row.Id, unwrapped.Bytes), unwrapped.IsOutdated);
        }

        Broken(row.Id, row.OwnerId);
        return null;
    }

    /// <summary>The key of a row; null when it was wrapped for another owner or id, or changed.</summary>
    public DataKey? Unwrap(DataKeyRow row) => Open(row)?.Key;

    [LoggerMessage(Level = LogLevel.Error, Message = "The data key {KeyId} of {Owner} does not unwrap: its row was changed outside the service")]
    private partial void Broken(Guid keyId, string owner);

    private static string[] PurposeOf(SecretOwner owner, Guid keyId) =>
        ["Secrets.DataKey", ((int)owner.Kind).ToString(CultureInfo.InvariantCulture), owner.Id, keyId.ToString("D")];
}
