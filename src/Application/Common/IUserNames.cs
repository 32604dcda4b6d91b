namespace Secrets.Application.Common;

/// <summary>Turns names of users (<see cref="UserName"/>) into ids.</summary>
public interface IUserNames
{
    /// <summary>The user with this name at the configured issuer of tokens; null: the issuer is ambiguous, because tokens of any issuer are accepted.</summary>
    /// <exception cref="UnavailableException">The issuer is not known yet, or differs from the issuer that names were mapped with before.</exception>
    ValueTask<Guid?> FindAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Whether a name belongs to a user. For callers who may name only themselves: nothing is stored or fetched. False while the issuer is not known.
    /// </summary>
    bool IsNameOf(string name, Guid userId);
}
