namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>A snapshot of the trusted issuer and keys. Every change makes another instance.</summary>
/// <param name="Issuer">The required issuer; null: any issuer, because the signature alone decides.</param>
/// <param name="Audiences">A token must name one of these; empty accepts any audience.</param>
/// <param name="Keys">The accepted signing keys.</param>
internal sealed record Trust(string? Issuer, IReadOnlyList<string> Audiences, IReadOnlyList<VerificationKey> Keys)
{
    /// <summary>Whether one of the keys may have signed a token with this key id. A token or a key without an id matches everything.</summary>
    public bool Knows(string? keyId) => Keys.Any(key => Matches(keyId, key));

    /// <summary>Verifies that one of the keys signed the token with an algorithm of that key.</summary>
    /// <exception cref="RefusedTokenException">No key verifies the signature.</exception>
    public void RequireSigned(CompactToken token)
    {
        var candidates = Keys.Where(key => Matches(token.KeyId, key)).ToList();
        if (candidates.Count == 0)
        {
            throw new RefusedTokenException("is signed with an unknown key", RefusalKind.Unknown);
        }

        var usable = candidates.FindAll(key => key.Supports(token.Algorithm));
        if (usable.Count == 0)
        {
            throw new RefusedTokenException("uses an algorithm that does not fit the key");
        }

        // Do not try every key: a token without a key id would then cost one verification per key.
        if (token.KeyId is null && usable.Count > 1)
        {
            throw new RefusedTokenException("has no key id, although several keys match");
        }

        if (!usable.Exists(key => key.Verifies(token)))
        {
            throw new RefusedTokenException("has a wrong signature", RefusalKind.Unknown);
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
    Task<Trust> GetAsync(string? keyId, CancellationToken cancellationToken);
}

/// <summary>Trust from the configuration, which never changes. With null, no token is accepted.</summary>
internal sealed class FixedTrust(Trust? trust) : ITrustSource
{
    public Trust? Current => trust;

    public Task<Trust> GetAsync(string? keyId, CancellationToken cancellationToken) =>
        Task.FromResult(trust ?? throw new RefusedTokenException("is not accepted: neither Auth:Jwt:Authority nor Auth:Jwt:SigningKey is set"));
}
