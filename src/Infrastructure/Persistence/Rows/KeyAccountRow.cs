namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>The account of a user's API keys.</summary>
internal sealed class KeyAccountRow
{
    public required Guid UserId { get; init; }

    /// <summary>See <see cref="Rows.Account.Version"/>.</summary>
    public required long Version { get; set; }

    /// <summary>The number of keys that are not revoked.</summary>
    public required int Keys { get; set; }

    /// <summary>Incremented by triggers when a key is changed outside the service. A changed stamp makes cached keys stale; it proves nothing else.</summary>
    public long Stamp { get; init; }

    /// <summary>The digest of the keys, sealed for user, version and number of keys.</summary>
    public required byte[] Account { get; set; }
}
