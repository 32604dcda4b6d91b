namespace Secrets.Domain.Secrets;

/// <summary>What kind of owner a secret belongs to. The numbers are stored and sealed: never renumber.</summary>
public enum OwnerKind : byte
{
    /// <summary>A person; the id is a uuid.</summary>
    User = 1,

    /// <summary>An organisation; the id is its identifier.</summary>
    Organization = 2,
}

/// <summary>The user or organisation a secret belongs to, and whose quota it counts against.</summary>
/// <param name="Kind">User or organisation.</param>
/// <param name="Id">The uuid in lower-case "D" form for a user, the organisation's identifier otherwise.</param>
public readonly record struct SecretOwner(OwnerKind Kind, string Id)
{
    /// <summary>The longest identifier of an owner, in code points.</summary>
    public const int MaxIdLength = 255;

    /// <summary>The owner that stands for one user.</summary>
    public static SecretOwner User(Guid id) => new(OwnerKind.User, id.ToString("D"));

    /// <summary>The user's id; only a user has one.</summary>
    /// <exception cref="InvalidOperationException">The owner is an organisation.</exception>
    public Guid UserId => Kind == OwnerKind.User
        ? Guid.ParseExact(Id, "D")
        : throw new InvalidOperationException("An organisation has no user id.");

    /// <inheritdoc />
    public override string ToString() => $"{Kind}:{Id}";
}
