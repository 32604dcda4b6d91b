using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>Computes a user's id from the name: the id that a token with this subject has (<see cref="NameUuid"/>). The issuer is stored (<see cref="UserIssuer"/>).</summary>
internal sealed class UserNames(IOptions<UserNameOptions> names, IOptions<JwtOptions> tokens, ITrustSource source, UserIssuer pinned, IDatabaseFaults faults) : IUserNames
{
    public async ValueTask<Guid?> FindAsync(string name, CancellationToken cancellationToken) => await faults.TranslateAsync<Guid?>(
        async () =>
        {
            if (await IssuerAsync(cancellationToken) is not { } issuer)
            {
                return null;
            }

            await pinned.RequireAsync(issuer, cancellationToken);
            return NameUuid.ForSubject(issuer, name);
        },
        cancellationToken);

    public bool IsNameOf(string name, Guid userId) =>
        (Configured ?? (IsUnknown ? null : IssuerOf(source.Current))) is { } issuer && NameUuid.ForSubject(issuer, name) == userId;

    /// <summary>Verifies that the settings name the stored issuer.</summary>
    /// <exception cref="StartupException">The settings name another issuer.</exception>
    public void RequireSettings()
    {
        // The authority is not asked before the start. Until then its URL stands for its issuer; they may differ in a trailing slash.
        var (issuer, isAuthority) = Configured is { } configured ? (configured, false)
            : tokens.Value.HasAuthority ? (tokens.Value.Authority!, true)
            : (IssuerOf(source.Current), false);
        if (issuer is not null && pinned.Stored is { } stored && !IsSame(stored, issuer, isAuthority))
        {
            throw new StartupException(
                $"User names belong to the issuer '{stored}', but the settings now name '{issuer}': the same names would be other users. "
                + $"Set Auth:Users:Issuer (environment: Auth__Users__Issuer) to '{stored}' to go on with these users, or run `Secrets.Api users set-issuer` to move: "
                + "names are other users then, and the secrets of the former users are reached by user_id.");
        }
    }

    private string? Configured => names.Value.Issuer is { Length: > 0 } issuer ? issuer : tokens.Value.ExpectedIssuer;

    /// <summary>Whether the keys of the authority were never fetched.</summary>
    private bool IsUnknown => tokens.Value.HasAuthority && source.Current is null;

    private async ValueTask<string?> IssuerAsync(CancellationToken cancellationToken) =>
        Configured ?? IssuerOf(IsUnknown ? await source.GetAsync(keyId: null, cancellationToken) : source.Current);

    /// <summary>The issuer; null if any issuer with the key is accepted.</summary>
    private string? IssuerOf(Trust? trust) => trust is null ? names.Value.OwnIssuer : trust.Issuer;

    private static bool IsSame(string stored, string issuer, bool isAuthority) =>
        string.Equals(isAuthority ? stored.TrimEnd('/') : stored, isAuthority ? issuer.TrimEnd('/') : issuer, StringComparison.Ordinal);
}
