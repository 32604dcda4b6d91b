using Secrets.Application.Common;

namespace Secrets.Application.ApiKeys;

internal static class ApiKeyQueries
{
    /// <summary>
    /// The keys that exist for the caller: keys that act for the caller, and keys of organisations that the caller administers.
    /// An operator sees every key. Revoked keys exist for nobody.
    /// </summary>
    public static IQueryable<ApiKey> VisibleTo(this IQueryable<ApiKey> keys, Caller caller)
    {
        keys = keys.Where(key => key.RevokedAt == null);
        if (caller.Has(Scopes.Operator))
        {
            return keys;
        }

        var administered = caller.Administered.ToList();
        var userId = caller.UserId;
        return keys.Where(key => key.UserId == userId || (key.OrganizationId != null && administered.Contains(key.OrganizationId)));
    }

    /// <summary>Whether the caller may revoke a key: the rule of <see cref="VisibleTo"/>.</summary>
    public static bool MayRevoke(this Caller caller, ApiKey key) =>
        caller.Has(Scopes.Operator) || key.UserId == caller.UserId || (key.OrganizationId is { } id && caller.Administers(id));
}
