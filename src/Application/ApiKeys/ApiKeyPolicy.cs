using Microsoft.Extensions.Options;
using Secrets.Application.Common;

namespace Secrets.Application.ApiKeys;

/// <summary>Rules for new keys: no key has more rights or a longer life than the credential that makes it.</summary>
internal sealed class ApiKeyPolicy(ISecretsDb db, Caller caller, IUserNames names, TimeProvider time, IOptions<ApiKeyOptions> options)
{
    // Expiry of the API key that makes the new one, read under the lock.
    private DateTimeOffset? _end;

    public Caller Caller => caller;

    /// <summary>The API key that makes keys in this request; null: a token or the bootstrap key does.</summary>
    public Guid? MadeBy => caller.Credential.KeyId == Credential.Bootstrap.KeyId ? null : caller.Credential.KeyId;

    /// <summary>The user for whom a new key acts: by id, by name, or by default the caller.</summary>
    /// <exception cref="ForbiddenException">The name is not the caller's own, and the caller may not make keys for others.</exception>
    public async ValueTask<Guid> UserOfAsync(Guid? userId, string? name, CancellationToken cancellationToken) =>
        name is null ? userId ?? caller.UserId : await names.FindAsync(name, caller, mayNameOthers: caller.Has(Scopes.Operator), cancellationToken) ?? throw AnotherUser();

    /// <summary>
    /// Requires that a key has no more rights than the credential that makes it. The rule covers rotation too, because the maker sees the text of
    /// the new key: an admin of an organisation may revoke the keys of members, but not rotate them.
    /// </summary>
    /// <exception cref="ForbiddenException">The caller may not make such a key.</exception>
    public void RequireAllowed(Scopes scopes, Guid userId, string? organizationId)
    {
        if (caller.Credential.HasSeveralKeys)
        {
            throw new ForbiddenException("Send only one API key to make a key.");
        }

        if (!caller.Has(scopes))
        {
            throw new ForbiddenException("A key can have only scopes that its creator has.");
        }

        if (caller.Has(Scopes.Operator))
        {
            return;
        }

        if (scopes.HasFlag(Scopes.UsersAct))
        {
            throw new ForbiddenException("Only an operator makes keys that act for users.");
        }

        if (userId != caller.UserId)
        {
            throw AnotherUser();
        }

        if (organizationId is not null && !caller.Administers(organizationId))
        {
            throw new ForbiddenException("Only an operator makes keys for an organisation that its creator does not administer.");
        }

        // Without an organisation, the key would resolve for all of them.
        if (organizationId is null && caller.Memberships.Count > 0 && scopes.HasFlag(Scopes.SecretsResolve))
        {
            throw new ForbiddenException("A key with secrets:resolve must name an organisation, because its creator belongs to one.");
        }
    }

    /// <summary>
    /// Locks the API keys of a user until the end of the transaction. If an API key makes the new one, that key's user is locked too, and the key must still be
    /// accepted. So a cascade that revokes the maker either finds the new key, or the new key is not made.
    /// </summary>
    /// <exception cref="UnauthenticatedException">The API key that makes the new one is no longer accepted.</exception>
    /// <exception cref="TamperedOwnerException">The keys do not verify.</exception>
    public async Task LockAsync(Guid userId, CancellationToken cancellationToken)
    {
        await db.LockKeysAsync(MadeBy is null ? [userId] : [userId, caller.UserId], cancellationToken);
        if (MadeBy is { } id)
        {
            _end = (await db.ReadLockedKeysAsync(caller.UserId, cancellationToken)).SingleOrDefault(key => key.Id == id) is { } maker && maker.IsAccepted(time.GetUtcNow())
                ? maker.ExpiresAt
                : throw new UnauthenticatedException();
        }
    }

    /// <summary>
    /// Refuses a key with <c>users:act</c> but without <c>operator</c> for a user who is an operator. Such a key could store secrets as that user,
    /// and a backend must not store secrets for an operator's tools. Call after <see cref="LockAsync"/>.
    /// </summary>
    /// <exception cref="InvalidRequestException">The user is an operator.</exception>
    public async Task RequireNoOperatorAsync(Scopes scopes, Guid userId, string member, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (scopes.HasFlag(Scopes.UsersAct) && !scopes.HasFlag(Scopes.Operator)
            && (userId == Credential.BootstrapUser
                || (await db.ReadLockedKeysAsync(userId, cancellationToken)).Any(key => key.Scopes.HasFlag(Scopes.Operator) && key.IsAccepted(now))))
        {
            throw new InvalidRequestException(member, Codes.BadValue, "Must not be an operator: a key with users:act but without operator could store secrets for an operator's tools.");
        }
    }

    /// <summary>The expiry of a new key. Call after <see cref="LockAsync"/>.</summary>
    /// <param name="wanted">The requested expiry; null: none.</param>
    /// <exception cref="InvalidRequestException">The key would outlive the credential that makes it.</exception>
    public DateTimeOffset? EndOf(DateTimeOffset? wanted)
    {
        if (LatestEnd() is { } latest && !(wanted <= latest))
        {
            throw new InvalidRequestException(
                nameof(CreateApiKey.ExpiresAt),
                wanted is null ? Codes.Missing : Codes.BadValue,
                caller.Credential.Token is null
                    ? "Must not be later than the expiry of the API key that makes this key."
                    : $"Must not be later than {options.Value.MaxKeyDays} days from now, or than the expiry of an API key that makes this key.");
        }

        return wanted?.ToUniversalTime();
    }

    private static ForbiddenException AnotherUser() => new("Only an operator makes keys for another user.");

    private DateTimeOffset? LatestEnd()
    {
        // The expiry of the token is no limit: tokens are short-lived, and their users get new ones.
        DateTimeOffset? byToken = caller.Credential.Token is null ? null : time.GetUtcNow().AddDays(options.Value.MaxKeyDays);
        return _end < byToken ? _end : byToken ?? _end;
    }
}
