using Secrets.Domain.ApiKeys;

namespace Secrets.Application.Common;

/// <summary>Tells who presents a credential: an API key or a JWT.</summary>
public interface ICredentialAuthenticator
{
    /// <summary>Judges a credential.</summary>
    /// <param name="text">The credential.</param>
    /// <param name="mayUseCache">Whether the verdict may be one that has to be confirmed (<see cref="Caller.CachedKey"/>).</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="UnavailableException">It cannot be judged now.</exception>
    ValueTask<CredentialVerdict> AuthenticateAsync(string text, bool mayUseCache, CancellationToken cancellationToken);

    /// <summary>Whether a key that was remembered is still accepted, as the database has it now.</summary>
    /// <exception cref="UnavailableException">It cannot be judged now.</exception>
    Task<bool> ConfirmAsync(CachedKey key, CancellationToken cancellationToken);
}

/// <summary>Whom a credential stands for, or why it is not accepted, in words for the log.</summary>
public sealed record CredentialVerdict
{
    public CredentialVerdict(Caller caller) => Caller = caller;

    public CredentialVerdict(string refusal) => Refusal = refusal;

    /// <summary>A key that is known and yet refused.</summary>
    public CredentialVerdict(string refusal, ApiKey key)
        : this(refusal) => RefusedKey = key;

    /// <summary>Whom an accepted credential stands for.</summary>
    public Caller? Caller { get; }

    /// <summary>Why the credential is refused.</summary>
    public string? Refusal { get; }

    /// <summary>The refused key, where it is known.</summary>
    public ApiKey? RefusedKey { get; }

    /// <summary>The subject that a refused token names; null: it names none, or is no token.</summary>
    public string? Subject { get; init; }

    /// <summary>Whether a refused token has a valid signature, so that its subject is believed.</summary>
    public bool IsSigned { get; init; }
}
