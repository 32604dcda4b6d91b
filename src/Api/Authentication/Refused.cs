using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;

namespace Secrets.Api.Authentication;

/// <summary>What refusals of a credential are counted by.</summary>
/// <param name="Name">
/// The user, where the credential is genuine; else the key's prefix or the token's subject, as they were sent; null: nothing tells it from others.
/// </param>
/// <param name="IsGenuine">
/// Whether the service or the issuer made the credential: a revoked or expired key, a token that is signed and not accepted. Nobody makes up many of them.
/// </param>
internal readonly record struct Refused(string? Name, bool IsGenuine)
{
    /// <summary>A credential that nothing is known of.</summary>
    public static readonly Refused Unknown = new(Name: null, IsGenuine: false);

    /// <summary>A genuine credential of a user.</summary>
    public static Refused ForUser(Guid userId) => new(userId.ToString(), IsGenuine: true);

    /// <summary>A credential, and what was found out about it.</summary>
    public static Refused FromVerdict(string text, CredentialVerdict verdict) => verdict switch
    {
        { Caller: { } caller } => ForUser(caller.UserId), // refused for the credential beside it
        { RefusedKey: { } key } => ForUser(key.UserId),
        { Subject: { } subject } => new(subject, verdict.IsSigned),
        _ => ApiKeyText.HasForm(text) ? new(ApiKeyText.PrefixOf(text), IsGenuine: false) : Unknown,
    };
}

/// <summary>Counts refused credentials.</summary>
internal interface IRefusalCounter
{
    /// <summary>Counts a refusal before it is answered.</summary>
    /// <returns>How long the client has to wait because there are too many; null: there are not.</returns>
    TimeSpan? Count(HttpContext context, Refused refused);
}
