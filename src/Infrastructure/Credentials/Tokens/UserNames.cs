using Microsoft.Extensions.Options;
using Secrets.Application.Common;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>Turns names of users into ids as tokens are (<see cref="NameUuid"/>), within one issuer that stays the same (<see cref="UserIssuer"/>).</summary>
internal sealed class UserNames(IOptions<UserNameOptions> names, IOptions<JwtOptions> tokens, ITrustSource source, UserIssuer pinned) : IUserNames
{
    public async ValueTask<Guid?> FindAsync(string name, CancellationToken cancellationToken)
    {
        if (await IssuerAsync(cancellationToken) is not { } issuer)
        {
            return null;
        }

        await pinned.RequireAsync(issuer, cancellationToken);
        return NameUuid.ForSubject(issuer, name);
    }

    public bool IsNameOf(string name, Guid userId) =>
        (Configured ?? (IsUnknown ? null : IssuerOf(source.Current))) is { } issuer && NameUuid.ForSubject(issuer, name) == userId;

    /// <summary>Sees that the settings name no other issuer than the one that names were first turned into ids with.</summary>
    /// <exception cref="StartupException">They do.</exception>
    public void RequireSettings()
    {
        // An authority is asked after the start. What it says is its own address, but for a slash at the end.
        var (issuer, isAuthority) = Configured is { } configured ? (configured, false)
            : tokens.Value.HasAuthority ? (tokens.Value.Authority!, true)
            : (IssuerOf(source.Current), false);
        if (issuer is not null && pinned.Stored is { } stored && !IsSame(stored, issuer, isAuthority))
        {
            throw new StartupException(
                $"Names of users were turned into ids with the issuer '{stored}', and the settings now say '{issuer}': the same names would be other users. "
                + $"Set Auth:Users:Issuer (environment: Auth__Users__Issuer) to '{stored}' to go on with these users, or run `Secrets.Api users set-issuer` to move: "
                + "names are other users then, and what is stored for the former ones is reached by user_id.");
        }
    }

    private string? Configured => names.Value.Issuer is { Length: > 0 } issuer ? issuer : tokens.Value.ExpectedIssuer;

    /// <summary>Whether the authority was never reached.</summary>
    private bool IsUnknown => tokens.Value.HasAuthority && source.Current is null;

    private async ValueTask<string?> IssuerAsync(CancellationToken cancellationToken) =>
        Configured ?? IssuerOf(IsUnknown ? await source.ForAsync(keyId: null, cancellationToken) : source.Current);

    /// <summary>Null: any that has the key.</summary>
    private string? IssuerOf(Trust? trust) => trust is null ? names.Value.OwnIssuer : trust.Issuer;

    private static bool IsSame(string stored, string issuer, bool isAuthority) =>
        string.Equals(isAuthority ? stored.TrimEnd('/') : stored, isAuthority ? issuer.TrimEnd('/') : issuer, StringComparison.Ordinal);
}
