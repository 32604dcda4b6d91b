using System.Text;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Integrity;

/// <summary>What an owner's account is made of: a digest for each row, and the seal around their sum.</summary>
/// <remarks>
/// Every column is in a digest, except <c>owners.stamp</c>, which only empties caches; <c>secret_uses</c>, which decides nothing; and <c>data_keys.wrapped</c>, which the key ring
/// authenticates for its owner and id: an older wrapping holds the same key.
/// </remarks>
internal sealed class OwnerSeals(IntegrityKeys integrity)
{
    private const string RowPurpose = "owners/row";

    // What comes first in a digest's content, so that no row of one table is one of another.
    private const long SecretsTable = 1;
    private const long DataKeysTable = 2;

    private readonly AccountSeals _seals = new(integrity, "owners/account");
    private readonly AccountSeals _quarantine = new(integrity, "owners/quarantine");

    /// <summary>Seals an account for the database.</summary>
    public byte[] Seal(SecretOwner owner, Account account) => _seals.Seal(HolderOf(owner), account);

    /// <summary>The account as the service sealed it; null: it did not.</summary>
    public Account? Open(SecretOwner owner, long version, int secrets, long bytesUsed, byte[] sealedAccount) =>
        _seals.Open(HolderOf(owner), new Account(version, secrets, bytesUsed, default, default, default), sealedAccount);

    /// <summary>Seals an account so that it does not count until an operator accepts the owner.</summary>
    public byte[] SealInQuarantine(SecretOwner owner, Account account) => _quarantine.Seal(HolderOf(owner), account);

    /// <summary>The account as it was sealed like that; null: it was not.</summary>
    public Account? OpenInQuarantine(SecretOwner owner, long version, int secrets, long bytesUsed, byte[] sealedAccount) =>
        _quarantine.Open(HolderOf(owner), new Account(version, secrets, bytesUsed, default, default, default), sealedAccount);

    /// <summary>The account of an owner that has none yet.</summary>
    public Account New() => default(Account) with { IntegrityKey = integrity.Newest };

    /// <summary>The digest of a secret and its grants, with the integrity key of that number.</summary>
    /// <exception cref="EncoderFallbackException">It has what is no text: the service never wrote it.</exception>
    public RowDigest DigestOf(StoredSecret secret, int integrityKey)
    {
        var content = new RowContent().Add(SecretsTable).Add((long)secret.Owner.Kind).Add(secret.Owner.Id)
            .Add(secret.Id).Add(secret.Name).Add(secret.NameKey).Add(secret.Description)
            .AddOptional(secret.ToolName).AddOptional(secret.ToolArg).Add(secret.IsDefaultForTool ? 1 : 0)
            .AddOptional(secret.ToolKey).AddOptional(secret.ArgKey).AddOptional(secret.PatternArgKey)
            .Add(secret.WorkspaceRule).Add(secret.Envelope).Add(secret.Display).Add(secret.Size).Add(secret.Version)
            .Add(secret.CreatedAt).Add(secret.CreatedBy).Add(secret.UpdatedAt).Add(secret.UpdatedBy);
        foreach (var grant in secret.Grants)
        {
            content.Add(grant.Number).Add(grant.Workspace);
        }

        return integrity.Get(integrityKey).Digest(RowPurpose, content.Bytes);
    }

    /// <summary>The digest of a data key, with the integrity key of that number.</summary>
    /// <exception cref="EncoderFallbackException">It has what is no text: the service never wrote it.</exception>
    public RowDigest DigestOf(DataKeyRow key, int integrityKey) => integrity.Get(integrityKey).Digest(
        RowPurpose,
        new RowContent().Add(DataKeysTable).Add((long)key.OwnerKind).Add(key.OwnerId).Add(key.Id).Add(key.CreatedAt).AddOptional(key.RetiredAt).Bytes);

    /// <summary>The digest of each of an owner's rows by its id, with the integrity key of that number.</summary>
    /// <exception cref="EncoderFallbackException">A row has what is no text: the service never wrote it.</exception>
    public Dictionary<Guid, RowDigest> DigestsOf(IEnumerable<StoredSecret> secrets, IEnumerable<DataKeyRow> keys, int integrityKey) =>
        secrets.Select(secret => KeyValuePair.Create(secret.Id, DigestOf(secret, integrityKey)))
            .Concat(keys.Select(key => KeyValuePair.Create(key.Id, DigestOf(key, integrityKey))))
            .ToDictionary();

    private static byte[] HolderOf(SecretOwner owner) => [(byte)owner.Kind, .. Encoding.UTF8.GetBytes(owner.Id)];
}
