namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>A snapshot of the trusted issuer and keys. Every change makes another instance.</summary>
/// <param name="Issuer">The required issuer; null accepts any issuer that has the key.</param>
/// <param name="Audiences">A token must name one of these; empty accepts any audience.</param>
/// <param name="Keys">The accepted signing keys.</param>
internal sealed record Trust(string? Issuer, IReadOnlyList<string> Audiences, IReadOnlyList<VerificationKey> Keys)
{
    /// <summary>Whether a key matches this key id.</summary>
    public bool Knows(string? keyId) => Keys.Any(key => Matches(keyId, key));

    /// <summary>Verifies that one of the keys signed the token with an algorithm of that key.</summary>
    /// <exception cref="RefusedTokenException">No key verifies the signature.</exception>
    public void RequireSigned(CompactToken token)
    {
        var meant = Keys.Where(key => Matches(token.KeyId, key)).ToList();
        if (meant.Count == 0)
        {
            throw new RefusedTokenException("signed with a key that is not known");
        }

        var fitting = meant.FindAll(key => key.Serves(token.Algorithm));
        if (fitting.Count == 0)
        {
            throw new RefusedTokenException("of an algorithm that does not fit the key");
        }

        // Trying every key would let a token without a key id cost one verification for each key.
        if (token.KeyId is null && fitting.Count > 1)
        {
            throw new RefusedTokenException("without a key id, although several keys match");
        }

        if (!fitting.Exists(key => key.Verifies(token)))
        {
            throw new RefusedTokenException("with a wrong signature");
        }
    }

    private static bool Matches(string? keyId, VerificationKey key) =>
        keyId is null || key.Id is null || string.Equals(keyId, key.Id, StringComparison.Ordinal);
}

/// <summary>Provides the trusted issuer and keys.</summary>
internal interface ITrustSource
{
    /// <summary>The current trust; null before the first fetch.</summary>
    Trust? Current { get; }

    /// <summary>Gets the trust for a token with this key id, or with none. May fetch new keys first.</summary>
    /// <exception cref="RefusedTokenException">The settings accept no tokens.</exception>
    /// <exception cref="Secrets.Application.Common.UnavailableException">The keys of the authority were never fetched.</exception>
    Task<Trust> ForAsync(string? keyId, CancellationToken cancellationToken);
}

/// <summary>Trust from the configuration, which never changes. With null, no token is accepted.</summary>
internal sealed class FixedTrust(Trust? trust) : ITrustSource
{
    public Trust? Current => trust;

    public Task<Trust> ForAsync(string? keyId, CancellationToken cancellationToken) =>
        Task.FromResult(trust ?? throw new RefusedTokenException("although none is accepted (neither Auth:Jwt:Authority nor Auth:Jwt:SigningKey is set)"));
}
