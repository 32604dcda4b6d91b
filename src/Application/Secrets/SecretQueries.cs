using System.Linq.Expressions;
using Secrets.Application.Common;

namespace Secrets.Application.Secrets;

/// <summary>Queries that use cases share.</summary>
internal static class SecretQueries
{
    public static IQueryable<Secret> OwnedBy(this IQueryable<Secret> secrets, SecretOwner owner) => secrets.Where(IsOwnedBy(owner));

    /// <summary>
    /// The secrets that exist for the caller: the caller's own, all secrets of organisations that the caller administers, and in other organisations those that
    /// the caller's workspaces may use. Every query on behalf of a person starts here, so that no query can return another owner's secret.
    /// </summary>
    public static IQueryable<Secret> VisibleTo(this IQueryable<Secret> secrets, Caller caller) =>
        secrets.Where(caller.Memberships.Select(IsVisibleTo).Aggregate(IsOwnedBy(caller.Owner), Or));

    /// <summary>The secrets that a workspace may use.</summary>
    public static IQueryable<Secret> UsableIn(this IQueryable<Secret> secrets, string workspace) => secrets.Where(IsUsableIn([workspace]));

    public static IQueryable<Secret> Named(this IQueryable<Secret> secrets, string name)
    {
        var key = Secret.KeyOf(name);
        return secrets.Where(secret => secret.NameKey == key);
    }

    public static IQueryable<Secret> Selected(this IQueryable<Secret> secrets, SecretSelector selector) =>
        selector.Id is { } id ? secrets.Where(secret => secret.Id == id) : secrets.Named(selector.Name!);

    public static IQueryable<Owner> OwnedBy(this IQueryable<Owner> owners, SecretOwner owner)
    {
        var (kind, id) = owner;
        return owners.Where(account => account.Kind == kind && account.Id == id);
    }

    private static Expression<Func<Secret, bool>> IsOwnedBy(SecretOwner owner)
    {
        var (kind, id) = owner;
        return secret => secret.OwnerKind == kind && secret.OwnerId == id;
    }

    private static Expression<Func<Secret, bool>> IsVisibleTo(Membership membership)
    {
        var isTheirs = IsOwnedBy(new SecretOwner(OwnerKind.Organization, membership.OrganizationId));
        return membership.Role == OrganizationRole.Admin ? isTheirs
            : membership.Workspaces.Count == 0 ? secret => false
            : And(isTheirs, IsUsableIn(membership.Workspaces));
    }

    private static Expression<Func<Secret, bool>> IsUsableIn(IReadOnlyList<string> workspaces) => secret =>
        secret.WorkspaceRule == WorkspaceRule.All
        || (secret.WorkspaceRule == WorkspaceRule.Some && secret.Grants.Any(grant => workspaces.Contains(grant.Workspace)));

    private static Expression<Func<Secret, bool>> And(Expression<Func<Secret, bool>> one, Expression<Func<Secret, bool>> other) =>
        Join(Expression.AndAlso, one, other);

    private static Expression<Func<Secret, bool>> Or(Expression<Func<Secret, bool>> one, Expression<Func<Secret, bool>> other) =>
        Join(Expression.OrElse, one, other);

    private static Expression<Func<Secret, bool>> Join(
        Func<Expression, Expression, BinaryExpression> join, Expression<Func<Secret, bool>> one, Expression<Func<Secret, bool>> other)
    {
        var secret = one.Parameters[0];
        return Expression.Lambda<Func<Secret, bool>>(join(one.Body, Expression.Invoke(other, secret)), secret);
    }
}
