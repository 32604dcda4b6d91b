namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>Whose tokens are believed, and by what, as it is known at one moment. Another moment is another instance.</summary>
/// <param name="Issuer">The only issuer; null: any that has the key.</param>
/// <param name="Audiences">One of these must be addressed; empty: it does not matter.</param>
/// <param name="Keys">The keys that sign.</param>
internal sealed record Trust(string? Issuer, IReadOnlyList<string> Audiences, IReadOnlyList<VerificationKey> Keys)
{
    /// <summary>Whether there is a key that a token may mean.</summary>
    public bool Knows(string? keyId) => Keys.Any(key => Matches(keyId, key));

    /// <summary>Returns when the token is signed by one of the keys, with an algorithm of that key.</summary>
    /// <exception cref="RefusedTokenException">It is not.</exception>
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

        // Else whoever sends rubbish without a key id would have us try each.
        if (token.KeyId is null && fitting.Count > 1)
        {
            throw new RefusedTokenException("without a key id, where several keys would fit");
        }

        if (!fitting.Exists(key => key.Verifies(token)))
        {
            throw new RefusedTokenException("with a wrong signature");
        }
    }

    private static bool Matches(string? keyId, VerificationKey key) =>
        keyId is null || key.Id is null || string.Equals(keyId, key.Id, StringComparison.Ordinal);
}

/// <summary>Where trust comes from.</summary>
internal interface ITrustSource
{
    /// <summary>What is known now; null: nothing yet.</summary>
    Trust? Current { get; }

    /// <summary>What to judge a token by that names this key, or none. May look for new keys first.</summary>
    /// <exception cref="RefusedTokenException">No token is accepted.</exception>
    /// <exception cref="Secrets.Application.Common.UnavailableException">It is not known yet whom to trust.</exception>
    Task<Trust> ForAsync(string? keyId, CancellationToken cancellationToken);
}

/// <summary>Trust that comes from the configuration and stays; null: no token is accepted.</summary>
internal sealed class FixedTrust(Trust? trust) : ITrustSource
{
    public Trust? Current => trust;

    public Task<Trust> ForAsync(string? keyId, CancellationToken cancellationToken) =>
        Task.FromResult(trust ?? throw new RefusedTokenException("where none is accepted (neither Auth:Jwt:Authority nor Auth:Jwt:SigningKey is set)"));
}
