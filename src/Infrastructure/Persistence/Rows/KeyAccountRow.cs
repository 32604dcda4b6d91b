namespace Secrets.Infrastructure.Persistence.Rows;

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
