using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;

namespace Secrets.Application.ApiKeys;

/// <summary>Makes keys in the name of the caller's credential: none reaches further, or lives longer.</summary>
internal sealed class ApiKeyPolicy(ISecretsDb db, Caller caller, IUserNames names, TimeProvider time, IOptions<ApiKeyOptions> options)
{
    // Of the API key that makes keys, as it is under the lock.
    private DateTimeOffset? _end;

    public Caller Caller => caller;

    /// <summary>The API key that makes keys in this request; null: a token does, or the key of the configuration.</summary>
    public Guid? MadeBy => caller.Credential.KeyId == Credential.Bootstrap.KeyId ? null : caller.Credential.KeyId;

    /// <summary>The user for whom a new key acts: by id, by name, or else the caller.</summary>
    /// <exception cref="ForbiddenException">The name is not the caller's own, and the caller may make keys for nobody else.</exception>
    public async ValueTask<Guid> UserOfAsync(Guid? userId, string? name, CancellationToken cancellationToken) =>
        name is null ? userId ?? caller.UserId : await names.FindAsync(name, caller, mayNameOthers: caller.Has(Scopes.Operator), cancellationToken) ?? throw AnotherUser();

    /// <summary>
    /// Lets nobody make a key that reaches further than the credential it is made with. To replace a key is to make one: its maker sees
    /// the new text, so that an admin of an organisation, who may revoke the keys of its members, must not replace them.
    /// </summary>
    /// <exception cref="ForbiddenException">The caller may not make such a key.</exception>
    public void RequireAllowed(Scopes scopes, Guid userId, string? organizationId)
    {
        if (caller.Credential.HasSeveralKeys)
        {
            throw new ForbiddenException("A key is made with one API key. Send no other beside it.");
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

        // Without an organisation it would resolve for all of them.
        if (organizationId is null && caller.Memberships.Count > 0 && scopes.HasFlag(Scopes.SecretsResolve))
        {
            throw new ForbiddenException("A key that resolves must be for an organisation, as its creator is.");
        }
    }

    /// <summary>
    /// Locks the API keys of a user until the end of the transaction. Where an API key makes the new one, the keys of its user are locked too, and it must still be accepted. So a
    /// cascade that revokes the maker either finds the new key, or the new key is not made.
    /// </summary>
    /// <exception cref="UnauthenticatedException">It is accepted no more.</exception>
    /// <exception cref="TamperedOwnerException">The keys do not verify.</exception>
    public async Task LockAsync(Guid userId, CancellationToken cancellationToken)
    {
        await db.LockKeysAsync(MadeBy is null ? [userId] : [userId, caller.UserId], cancellationToken);
        if (MadeBy is { } id)
        {
            _end = await db.ApiKeys.AsNoTracking().SingleOrDefaultAsync(key => key.Id == id, cancellationToken) is { } maker && maker.IsAccepted(time.GetUtcNow())
                ? maker.ExpiresAt
                : throw new UnauthenticatedException();
        }
    }

    /// <summary>
    /// Makes no key with <c>users:act</c> and without <c>operator</c> for an operator, after <see cref="LockAsync"/>: a key stores secrets of its own user, and a backend must store none that an
    /// operator's tools use.
    /// </summary>
    /// <exception cref="InvalidRequestException">The user is an operator.</exception>
    public async Task RequireNoOperatorAsync(Scopes scopes, Guid userId, string member, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (scopes.HasFlag(Scopes.UsersAct) && !scopes.HasFlag(Scopes.Operator)
            && (userId == Credential.BootstrapUser
                || await db.ApiKeys.AnyAsync(
                    key => key.UserId == userId && key.RevokedAt == null && (key.ExpiresAt == null || key.ExpiresAt > now) && (key.Scopes & Scopes.Operator) == Scopes.Operator,
                    cancellationToken)))
        {
            throw new InvalidRequestException(member, Codes.BadValue, "Must be a user who is no operator: a key with users:act and without operator would store secrets that an operator's tools use.");
        }
    }

    /// <summary>The end of a new key, after <see cref="LockAsync"/>.</summary>
    /// <param name="wanted">The end that was asked for; null: none.</param>
    /// <exception cref="InvalidRequestException">The key would outlive the credential that makes it.</exception>
    public DateTimeOffset? EndOf(DateTimeOffset? wanted)
    {
        if (LatestEnd() is { } latest && !(wanted <= latest))
        {
            throw new InvalidRequestException(
                nameof(CreateApiKey.ExpiresAt),
                wanted is null ? Codes.Missing : Codes.BadValue,
                caller.Credential.Token is null
                    ? "Must not be later than the end of the API key that makes it."
                    : $"Must not be later than {options.Value.MaxKeyDays} days from now, nor than the end of an API key that makes it.");
        }

        return wanted?.ToUniversalTime();
    }

    private static ForbiddenException AnotherUser() => new("Only an operator makes keys for another user.");

    private DateTimeOffset? LatestEnd()
    {
        // A token is short-lived by itself, and whoever has one gets another.
        DateTimeOffset? byToken = caller.Credential.Token is null ? null : time.GetUtcNow().AddDays(options.Value.MaxKeyDays);
        return _end < byToken ? _end : byToken ?? _end;
    }
}
