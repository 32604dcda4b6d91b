using Secrets.Domain.ApiKeys;

namespace Secrets.Application.Common;

/// <summary>Turns names of users (<see cref="UserName"/>) into ids.</summary>
public interface IUserNames
{
    /// <summary>
    /// The user whom the issuer of tokens calls by this name; null: tokens of any issuer are accepted, and no setting says whose names are meant.
    /// </summary>
    /// <exception cref="UnavailableException">The issuer is not known yet, or is not the one that names were first turned into ids with.</exception>
    ValueTask<Guid?> FindAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Whether a name is that of a user, for callers who may name nobody but themselves. Nothing is stored or fetched for it: while the issuer is not known, the name is nobody's.
    /// </summary>
    bool IsNameOf(string name, Guid userId);
}
