namespace Secrets.Domain.Audit;

/// <summary>The credentials that a caller presented: an API key, a token, or both.</summary>
/// <param name="KeyId">The API key's id; null: no API key.</param>
/// <param name="Token">The token's issuer and subject; null: no token.</param>
/// <param name="End">The earliest expiry; null: never.</param>
public sealed record Credential(Guid? KeyId, TokenName? Token, DateTimeOffset? End)
{
    /// <summary>The user of the bootstrap key.</summary>
    public static readonly Guid BootstrapUser = Guid.Parse("00000000-0000-0000-0000-000000000001");

    /// <summary>The bootstrap key of the configuration. The key has no row and no id, so its user's id takes that place.</summary>
    public static readonly Credential Bootstrap = OfKey(BootstrapUser, end: null);

    /// <summary>Longest stored <see cref="TokenName.Issuer"/> and <see cref="TokenName.Subject"/>, in UTF-16 units. The audit cuts longer ones.</summary>
    public const int MaxNameLength = 512;

    /// <summary>An API key.</summary>
    public static Credential OfKey(Guid id, DateTimeOffset? end) => new(id, Token: null, end);

    /// <summary>A token.</summary>
    public static Credential OfToken(string issuer, string subject, DateTimeOffset end) => new(KeyId: null, new TokenName(issuer, subject), end);

    /// <summary>Combines two credentials of one caller.</summary>
    /// <remarks>With two API keys, the first one's id is kept.</remarks>
    public Credential And(Credential other) => new(KeyId ?? other.KeyId, Token ?? other.Token, End < other.End ? End : other.End ?? End)
    {
        HasSeveralKeys = HasSeveralKeys || other.HasSeveralKeys || (KeyId is not null && other.KeyId is not null && KeyId != other.KeyId),
    };

    /// <summary>Whether several API keys were presented.</summary>
    public bool HasSeveralKeys { get; private init; }
}

/// <summary>The identity in a token.</summary>
/// <param name="Issuer">The claim <c>iss</c>; empty if the token has none.</param>
/// <param name="Subject">The claim <c>sub</c>.</param>
public sealed record TokenName(string Issuer, string Subject);
