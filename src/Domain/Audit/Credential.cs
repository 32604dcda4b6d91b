namespace Secrets.Domain.Audit;

/// <summary>What a caller presented: an API key, a token, or both.</summary>
/// <param name="KeyId">The API key's id; null: none was presented.</param>
/// <param name="Token">Whose token it is; null: none was presented.</param>
/// <param name="End">When it is accepted no more; null: never.</param>
public sealed record Credential(Guid? KeyId, TokenName? Token, DateTimeOffset? End)
{
    /// <summary>The user of the bootstrap key.</summary>
    public static readonly Guid BootstrapUser = Guid.Parse("00000000-0000-0000-0000-000000000001");

    /// <summary>The bootstrap key of the configuration. It has no row and so no id; the id of its user stands for it.</summary>
    public static readonly Credential Bootstrap = OfKey(BootstrapUser, end: null);

    /// <summary>The longest <see cref="TokenName.Issuer"/> and <see cref="TokenName.Subject"/> that the audit keeps, in UTF-16 units.</summary>
    public const int MaxNameLength = 512;

    /// <summary>An API key.</summary>
    public static Credential OfKey(Guid id, DateTimeOffset? end) => new(id, Token: null, end);

    /// <summary>A token.</summary>
    public static Credential OfToken(string issuer, string subject, DateTimeOffset end) => new(KeyId: null, new TokenName(issuer, subject), end);

    /// <summary>Both of two credentials that one caller presented.</summary>
    /// <remarks>Of two API keys the first is named.</remarks>
    public Credential And(Credential other) => new(KeyId ?? other.KeyId, Token ?? other.Token, End < other.End ? End : other.End ?? End)
    {
        HasSeveralKeys = HasSeveralKeys || other.HasSeveralKeys || (KeyId is not null && other.KeyId is not null && KeyId != other.KeyId),
    };

    /// <summary>Whether several API keys were presented.</summary>
    public bool HasSeveralKeys { get; private init; }
}

/// <summary>Whose token it is.</summary>
/// <param name="Issuer">The claim <c>iss</c>; empty where the token has none.</param>
/// <param name="Subject">The claim <c>sub</c>.</param>
public sealed record TokenName(string Issuer, string Subject);
