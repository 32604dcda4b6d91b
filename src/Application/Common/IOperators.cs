namespace Secrets.Application.Common;

/// <summary>The users who run the installation: the user of the bootstrap key, and every user for whom an operator's key acts.</summary>
public interface IOperators
{
    /// <summary>Whether a user is one of them at this moment.</summary>
    /// <exception cref="TamperedOwnerException">The user's keys do not verify.</exception>
    Task<bool> ContainAsync(Guid userId, CancellationToken cancellationToken);
}
