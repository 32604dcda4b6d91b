namespace Secrets.Domain.Secrets;

/// <summary>An owner's account: what its secrets take of the quota, and how often they changed.</summary>
public sealed class Owner
{
    private Owner()
    {
    }

    /// <summary>An account with nothing in it.</summary>
    public Owner(SecretOwner owner) => (Kind, Id) = (owner.Kind, owner.Id);

    /// <summary>User or organisation.</summary>
    public OwnerKind Kind { get; private init; }

    /// <summary>See <see cref="SecretOwner.Id"/>.</summary>
    public string Id { get; private init; } = null!;

    /// <summary>UTF-8 bytes of all stored values.</summary>
    public long BytesUsed { get; private set; }

    /// <summary>The stamp: moves with every write to the owner's secrets, in the same transaction.</summary>
    public long Stamp { get; private set; }
}
