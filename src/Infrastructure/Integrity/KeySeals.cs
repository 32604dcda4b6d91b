using System.Text;
using Secrets.Domain.ApiKeys;

namespace Secrets.Infrastructure.Integrity;

/// <summary>The account of the API keys that act for a user.</summary>
internal sealed class KeyAccountRow
{
    public required Guid UserId { get; init; }

    /// <summary>How often the keys were changed; 0: never.</summary>
    public required long Version { get; set; }

    /// <summary>How many keys are not revoked.</summary>
    public required int Keys { get; set; }

    /// <summary>Moves with every change of a key that bypasses the service, as far as triggers notice it. It only tells that what is cached may be old.</summary>
    public long Stamp { get; init; }

    /// <summary>The digest of those, sealed for user, version and number.</summary>
    public required byte[] Account { get; set; }
}

/// <summary>What the account of a user's API keys is made of. Every column is in a digest, except <c>api_keys.last_used_at</c> and <c>key_accounts.stamp</c>, which decide nothing.</summary>
internal sealed class KeySeals(IntegrityKeys integrity)
{
    private const string RowPurpose = "key_accounts/row";

    private readonly AccountSeals _seals = new(integrity, "key_accounts/account");

    /// <summary>Seals an account for the database.</summary>
    public byte[] Seal(Guid userId, Account account) => _seals.Seal(userId.ToByteArray(bigEndian: true), account);

    /// <summary>The account as the service sealed it; null: it did not.</summary>
    public Account? Open(KeyAccountRow row) =>
        _seals.Open(row.UserId.ToByteArray(bigEndian: true), new Account(row.Version, row.Keys, Bytes: 0, default, default, default), row.Account);

    /// <summary>The account of a user who has none yet.</summary>
    public Account New() => default(Account) with { IntegrityKey = integrity.Newest };

    /// <summary>The digest of a key, with the integrity key of that number. A revoked one has none: no account has it.</summary>
    /// <exception cref="EncoderFallbackException">It has what is no text: the service never wrote it.</exception>
    public RowDigest DigestOf(ApiKey key, int integrityKey)
    {
        var content = new RowContent().Add(key.Id).Add(key.Name).Add(key.Prefix).Add(key.Hash).Add((long)key.Scopes).Add(key.UserId)
            .AddOptional(key.OrganizationId).Add(key.Role is { } role ? (long)role : -1)
            .AddOptional(key.ExpiresAt).Add(key.CreatedAt).Add(key.CreatedBy).Add(key.CreatedByKey ?? Guid.Empty).AddOptional(key.RevokedAt).Add(key.ReplacedBy ?? Guid.Empty)
            .Add(key.Workspaces.Count);
        foreach (var workspace in key.Workspaces)
        {
            content.Add(workspace);
        }

        return integrity.Get(integrityKey).Digest(RowPurpose, content.Bytes);
    }
}
