namespace Secrets.Domain.Secrets;

/// <summary>The kind of an owner. The numbers are stored and sealed: never renumber.</summary>
public enum OwnerKind : byte
{
    /// <summary>A person; the id is a uuid.</summary>
    User = 1,

    /// <summary>An organisation; the id is its identifier.</summary>
    Organization = 2,
}

/// <summary>The user or organisation that a secret belongs to. The secret counts against this owner's quota.</summary>
/// <param name="Kind">User or organisation.</param>
/// <param name="Id">The uuid in lower-case "D" form for a user, the organisation's identifier otherwise.</param>
public readonly record struct SecretOwner(OwnerKind Kind, string Id)
{
    /// <summary>The longest identifier of an owner, in code points.</summary>
    public const int MaxIdLength = 255;

    /// <summary>A user as an owner.</summary>
    public static SecretOwner User(Guid id) => new(OwnerKind.User, id.ToString("D"));

    /// <summary>The user's id; only a user has one.</summary>
    /// <exception cref="InvalidOperationException">The owner is an organisation.</exception>
    public Guid UserId => Kind == OwnerKind.User
        ? Guid.ParseExact(Id, "D")
        : throw new InvalidOperationException("An organisation has no user id.");

    /// <inheritdoc />
    public override string ToString() => $"{Kind}:{Id}";
}
