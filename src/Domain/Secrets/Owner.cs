namespace Secrets.Domain.Secrets;

/// <summary>An owner's account: what its secrets take of the quota, and which rows are the current ones (docs/decisions/0020-the-database-is-not-trusted.md).</summary>
public sealed class Owner
{
    private Owner()
    {
    }

    /// <summary>An account with nothing in it, still without its seal.</summary>
    public Owner(SecretOwner owner) => (Kind, Id) = (owner.Kind, owner.Id);

    /// <summary>User or organisation.</summary>
    public OwnerKind Kind { get; private init; }

    /// <summary>See <see cref="SecretOwner.Id"/>.</summary>
    public string Id { get; private init; } = null!;

    /// <summary>UTF-8 bytes of all stored values.</summary>
    public long BytesUsed { get; private set; }

    /// <summary>How many secrets there are.</summary>
    public int Secrets { get; private set; }

    /// <summary>How often secrets or data keys were changed; 0: never.</summary>
    public long Version { get; private set; }

    /// <summary>The digest of all rows, sealed for owner, version, number and bytes.</summary>
    public byte[] Account { get; private set; } = [];

    /// <summary>
    /// Moves with every write to the owner's secrets, in the same transaction, and with every change that bypasses the service, as far as triggers notice it. It only tells that
    /// what is cached may be old.
    /// </summary>
    public long Stamp { get; private set; }

    /// <summary>Gives the account what the changes of a transaction make of it.</summary>
    public void MoveTo(long version, int secrets, long bytesUsed, byte[] account) => (Version, Secrets, BytesUsed, Account) = (version, secrets, bytesUsed, account);
}
