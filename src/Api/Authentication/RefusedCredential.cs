using Secrets.Domain.ApiKeys;

namespace Secrets.Api.Authentication;

/// <summary>The refused credential, as refusals are counted.</summary>
/// <param name="Name">The user of a genuine credential; else the key's prefix or the token's subject as sent; null: none of these.</param>
/// <param name="IsGenuine">
/// Whether the service or the issuer made the credential, such as a revoked key or an expired token. Nobody can invent many of these.
/// </param>
internal readonly record struct RefusedCredential(string? Name, bool IsGenuine)
{
    /// <summary>An unrecognised credential.</summary>
    public static readonly RefusedCredential Unknown = new(Name: null, IsGenuine: false);

    /// <summary>A genuine credential of a user.</summary>
    public static RefusedCredential ForUser(Guid userId) => new(userId.ToString(), IsGenuine: true);

    /// <summary>A refused credential and its verdict.</summary>
    public static RefusedCredential FromVerdict(string text, CredentialVerdict verdict) => verdict switch
    {
        { Caller: { } caller } => ForUser(caller.UserId), // refused because of the credential beside it
        { RefusedKey: { } key } => ForUser(key.UserId),
        { Subject: { } subject } => new(subject, verdict.IsSigned),
        _ => ApiKeyText.HasForm(text) ? new(ApiKeyText.PrefixOf(text), IsGenuine: false) : Unknown,
    };
}
