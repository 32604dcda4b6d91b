using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Encryption;

/// <summary>Wraps data keys with the key ring, each for its owner and id.</summary>
internal sealed partial class DataKeyWrapping(IDataProtectionProvider protection, ILogger<DataKeyWrapping> logger)
{
    public byte[] Wrap(SecretOwner owner, DataKey key) => ProtectorOf(owner, key.Id).Protect(key.Bytes);

    /// <summary>The key of a row; null when it was wrapped for another owner or id, or changed.</summary>
    public DataKey? Unwrap(DataKeyRow row)
    {
        try
        {
            return new DataKey(row.Id, ProtectorOf(new SecretOwner(row.OwnerKind, row.OwnerId), row.Id).Unprotect(row.Wrapped));
        }
        catch (CryptographicException)
        {
            Broken(row.Id, row.OwnerId);
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The data key {KeyId} of {Owner} does not unwrap: its row was changed outside the service")]
    private partial void Broken(Guid keyId, string owner);

    private IDataProtector ProtectorOf(SecretOwner owner, Guid keyId) => protection.CreateProtector(
        "Secrets.DataKey", ((int)owner.Kind).ToString(CultureInfo.InvariantCulture), owner.Id, keyId.ToString("D"));
}
