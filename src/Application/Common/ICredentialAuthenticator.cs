namespace Secrets.Application.Common;

/// <summary>Authenticates credentials: API keys and JWTs.</summary>
public interface ICredentialAuthenticator
{
    /// <summary>Authenticates a credential.</summary>
    /// <param name="text">The credential.</param>
    /// <param name="mayUseCache">Whether the verdict may rest on a cached key, which the caller must confirm (<see cref="Caller.CachedKey"/>).</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="UnavailableException">The credential cannot be checked now.</exception>
    ValueTask<CredentialVerdict> AuthenticateAsync(string text, bool mayUseCache, CancellationToken cancellationToken);

    /// <summary>Whether the database still accepts a cached key.</summary>
    /// <exception cref="UnavailableException">The credential cannot be checked now.</exception>
    Task<bool> ConfirmAsync(CachedKey key, CancellationToken cancellationToken);
}

/// <summary>The caller that a credential stands for, or the reason of its refusal for the log.</summary>
public sealed record CredentialVerdict
{
    public CredentialVerdict(Caller caller) => Caller = caller;

    public CredentialVerdict(string refusal) => Refusal = refusal;

    /// <summary>The refusal of a known key, such as a revoked one.</summary>
    public CredentialVerdict(string refusal, ApiKey key)
        : this(refusal) => RefusedKey = key;

    /// <summary>The caller; null: refused.</summary>
    public Caller? Caller { get; }

    /// <summary>The reason of the refusal; null: accepted.</summary>
    public string? Refusal { get; }

    /// <summary>The kind of the refusal, for metrics.</summary>
    public RefusalKind Kind { get; init; }

    /// <summary>The refused key if it is known.</summary>
    public ApiKey? RefusedKey { get; }

    /// <summary>The subject of a refused token; null: no subject, or no token.</summary>
    public string? Subject { get; init; }

    /// <summary>Whether a refused token has a valid signature, so that its subject can be trusted.</summary>
    public bool IsSigned { get; init; }
}

/// <summary>Why a credential is refused.</summary>
public enum RefusalKind
{
    /// <summary>It does not have the form of a credential, or breaks another rule.</summary>
    Malformed,

    /// <summary>Nobody made it: an unknown key, or a token with another signature or issuer.</summary>
    Unknown,

    /// <summary>It has expired or is not valid yet.</summary>
    Expired,

    /// <summary>It was revoked.</summary>
    Revoked,

    /// <summary>Its row was changed outside the service.</summary>
    Tampered,

    /// <summary>It contradicts the credential beside it.</summary>
    Contradiction,
}

/// <summary>The operators: the user of the bootstrap key, and every user with a key that has the scope <c>operator</c>.</summary>
public interface IOperators
{
    /// <summary>Whether a user is an operator now.</summary>
    /// <exception cref="TamperedOwnerException">The user's keys do not verify.</exception>
    Task<bool> ContainAsync(Guid userId, CancellationToken cancellationToken);
}

/// <summary>Turns names of users (<see cref="UserName"/>) into ids.</summary>
public interface IUserNames
{
    /// <summary>The user with this name at the configured issuer of tokens; null: the issuer is ambiguous, because tokens of any issuer are accepted.</summary>
    /// <exception cref="UnavailableException">The issuer is not known yet, or differs from the issuer that names were mapped with before.</exception>
    ValueTask<Guid?> FindAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Whether a name belongs to a user. For callers who may name only themselves: nothing is stored or fetched. False while the issuer is not known.
    /// </summary>
    bool IsNameOf(string name, Guid userId);
}
