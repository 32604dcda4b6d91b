namespace Secrets.Application.Common;

/// <summary>The operators: the user of the bootstrap key, and every user with a key that has the scope <c>operator</c>.</summary>
public interface IOperators
{
    /// <summary>Whether a user is an operator now.</summary>
    /// <exception cref="TamperedOwnerException">The user's keys do not verify.</exception>
    Task<bool> ContainAsync(Guid userId, CancellationToken cancellationToken);
}
