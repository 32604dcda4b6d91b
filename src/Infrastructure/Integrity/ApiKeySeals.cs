using System.Text;
using Secrets.Domain.ApiKeys;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Integrity;

/// <summary>Digests a user's API keys, and seals their account.</summary>
/// <remarks>A digest covers every column, except <c>api_keys.last_used_at</c> and <c>key_accounts.stamp</c>, which decide nothing.</remarks>
internal sealed class ApiKeySeals(IntegrityKeys integrity)
{
    private const string RowPurpose = "key_accounts/row";

    private readonly AccountSeals _seals = new(integrity, "key_accounts/account");

    public byte[] Seal(Guid userId, Account account) => _seals.Seal(userId.ToByteArray(bigEndian: true), account);

    /// <summary>The account; null: the service did not seal this row.</summary>
    public Account? Open(KeyAccountRow row) =>
        _seals.Open(row.UserId.ToByteArray(bigEndian: true), new Account(row.Version, row.Keys, Bytes: 0, default, default, default), row.Account);

    /// <summary>An empty account for a user without one.</summary>
    public Account Empty() => default(Account) with { IntegrityKey = integrity.Newest };

    /// <summary>The digest of an unrevoked key, computed with the integrity key of this number. Accounts leave out revoked keys.</summary>
    /// <exception cref="EncoderFallbackException">A column has invalid text, which the service never writes.</exception>
    public RowDigest DigestOf(ApiKey key, int integrityKey)
    {
        var content = new RowContent().Add(key.Id).Add(key.Name).Add(key.Prefix).Add(key.Hash).Add((long)key.Scopes).Add(key.UserId)
            .AddOptional(key.OrganizationId).Add(key.Role is { } role ? (long)role : -1)
            .AddOptional(key.ExpiresAt).Add(key.CreatedAt).Add(key.CreatedBy).Add(key.CreatedByKey ?? Guid.Empty)
            .AddOptional(key.RevokedAt).Add(key.ReplacedBy ?? Guid.Empty).Add(key.Workspaces.Count);
        foreach (var workspace in key.Workspaces)
        {
            content.Add(workspace);
        }

        // Null counts as the uuid of zeros above. A column that has the zeros themselves, which the service never writes, adds its name.
        content = key.CreatedByKey == Guid.Empty ? content.Add(nameof(key.CreatedByKey)) : content;
        content = key.ReplacedBy == Guid.Empty ? content.Add(nameof(key.ReplacedBy)) : content;

        return integrity.Get(integrityKey).Digest(RowPurpose, content.Bytes);
    }
}
