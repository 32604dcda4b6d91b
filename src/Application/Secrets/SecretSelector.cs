using Secrets.Application.Common;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Secrets;

/// <summary>Which secret a request is about: one that the caller sees, by its id, or one of a certain owner's, by its name.</summary>
public sealed record SecretSelector
{
    private SecretSelector()
    {
    }

    /// <summary>Its id.</summary>
    public Guid? Id { get; private init; }

    /// <summary>Whose it is, where it is named.</summary>
    public OwnerSelector? Owner { get; private init; }

    /// <summary>Its name.</summary>
    public string? Name { get; private init; }

    /// <summary>
    /// Whose limits hold for what is changed of it. By its id alone it could be anybody's: what fits a user's secret fits an organisation's too.
    /// </summary>
    public OwnerKind LimitsOf => Owner?.Kind ?? OwnerKind.User;

    public static SecretSelector ById(Guid id) => new() { Id = id };

    public static SecretSelector ByName(OwnerSelector owner, string? name) => new() { Owner = owner, Name = name };
}
