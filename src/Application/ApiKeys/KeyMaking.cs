using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;

namespace Secrets.Application.ApiKeys;

internal static class KeyMaking
{
    /// <summary>
    /// Lets nobody make a key that reaches further than the credential it is made with. To replace a key is to make one: its maker sees
    /// the new text, so that an admin of an organisation, who may revoke the keys of its members, must not replace them.
    /// </summary>
    /// <exception cref="ForbiddenException">The caller may not make such a key.</exception>
    public static void RequireMayMake(this Caller caller, Scopes scopes, Guid userId, string? organizationId)
    {
        if (!caller.Has(scopes))
        {
            throw new ForbiddenException("A key can have only scopes that its creator has.");
        }

        if (caller.Has(Scopes.Operator))
        {
            return;
        }

        if (userId != caller.UserId)
        {
            throw new ForbiddenException("Only an operator makes keys for another user.");
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
}
