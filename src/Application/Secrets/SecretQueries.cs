using Secrets.Application.Common;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Secrets;

/// <summary>Queries that use cases share.</summary>
internal static class SecretQueries
{
    public static IQueryable<Secret> OwnedBy(this IQueryable<Secret> secrets, SecretOwner owner)
    {
        var (kind, id) = owner;
        return secrets.Where(secret => secret.OwnerKind == kind && secret.OwnerId == id);
    }

    /// <summary>
    /// The secrets that exist for the caller. Every query on behalf of a person starts here, so that another owner's secret cannot
    /// appear, whatever else the query does.
    /// </summary>
    public static IQueryable<Secret> VisibleTo(this IQueryable<Secret> secrets, Caller caller) => secrets.OwnedBy(caller.Owner);

    public static IQueryable<Owner> Of(this IQueryable<Owner> owners, SecretOwner owner)
    {
        var (kind, id) = owner;
        return owners.Where(account => account.Kind == kind && account.Id == id);
    }
}
