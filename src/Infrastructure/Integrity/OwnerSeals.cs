using System.Text;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Integrity;

/// <summary>Digests an owner's rows, and seals the account that holds the sum of the digests.</summary>
/// <remarks>
/// The digests cover every column except two. <c>owners.stamp</c> only invalidates caches. The key ring authenticates <c>data_keys.wrapped</c> for its owner
/// and id, and an older wrapping holds the same key. The table <c>secret_uses</c> is not covered, because it decides nothing.
/// </remarks>
internal sealed class OwnerSeals(IntegrityKeys integrity)
{
    private const string RowPurpose = "owners/row";

    // Every digest's content starts with one of these numbers, so rows of different tables never have the same digest.
    private const long SecretsTable = 1;
    private const long DataKeysTable = 2;

    private readonly AccountSeals _seals = new(integrity, "owners/account");
    private readonly AccountSeals _quarantine = new(integrity, "owners/quarantine");

    public byte[] Seal(SecretOwner owner, Account account) => _seals.Seal(HolderOf(owner), account);

    /// <summary>The account; null: the service did not seal these values for this owner, or the owner is in quarantine.</summary>
    public Account? Open(SecretOwner owner, long version, int secrets, long bytesUsed, byte[] sealedAccount) =>
        _seals.Open(HolderOf(owner), new Account(version, secrets, bytesUsed, default, default, default), sealedAccount);

    /// <summary>Seals an account as quarantined: reads and writes fail until an operator accepts the owner.</summary>
    public byte[] SealInQuarantine(SecretOwner owner, Account account) => _quarantine.Seal(HolderOf(owner), account);

    /// <summary>The account of an owner in quarantine; null: the owner is not in quarantine, or the seal does not verify.</summary>
    public Account? OpenInQuarantine(SecretOwner owner, long version, int secrets, long bytesUsed, byte[] sealedAccount) =>
        _quarantine.Open(HolderOf(owner), new Account(version, secrets, bytesUsed, default, default, default), sealedAccount);

    /// <summary>An empty account for an owner without one.</summary>
    public Account Empty() => default(Account) with { IntegrityKey = integrity.Newest };

    /// <summary>The digest of a secret and its grants, computed with the integrity key of this number.</summary>
    /// <exception cref="EncoderFallbackException">A column has invalid text, which the service never writes.</exception>
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

    /// <summary>The digest of a data key, computed with the integrity key of this number.</summary>
    /// <exception cref="EncoderFallbackException">A column has invalid text, which the service never writes.</exception>
    public RowDigest DigestOf(DataKeyRow key, int integrityKey) => integrity.Get(integrityKey).Digest(
        RowPurpose,
        new RowContent().Add(DataKeysTable).Add((long)key.OwnerKind).Add(key.OwnerId).Add(key.Id).Add(key.CreatedAt).AddOptional(key.RetiredAt).Bytes);

    /// <summary>The digests of an owner's rows, by id, computed with the integrity key of this number.</summary>
    /// <exception cref="EncoderFallbackException">A column has invalid text, which the service never writes.</exception>
    public Dictionary<Guid, RowDigest> DigestsOf(IEnumerable<StoredSecret> secrets, IEnumerable<DataKeyRow> keys, int integrityKey) =>
        secrets.Select(secret => KeyValuePair.Create(secret.Id, DigestOf(secret, integrityKey)))
            .Concat(keys.Select(key => KeyValuePair.Create(key.Id, DigestOf(key, integrityKey))))
            .ToDictionary();

    private static byte[] HolderOf(SecretOwner owner) => [(byte)owner.Kind, .. Encoding.UTF8.GetBytes(owner.Id)];
}
