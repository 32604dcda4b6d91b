namespace Secrets.Domain.Secrets;

/// <summary>An owner's account: the quota in use, and a sealed digest of the current rows (docs/decisions/0020-the-database-is-not-trusted.md).</summary>
public sealed class Owner
{
    private Owner()
    {
    }

    /// <summary>An empty account that is not sealed yet.</summary>
    public Owner(SecretOwner owner) => (Kind, Id) = (owner.Kind, owner.Id);

    /// <summary>User or organisation.</summary>
    public OwnerKind Kind { get; private init; }

    /// <summary>See <see cref="SecretOwner.Id"/>.</summary>
    public string Id { get; private init; } = null!;

    /// <summary>UTF-8 bytes of all stored values.</summary>
    public long BytesUsed { get; private set; }

    /// <summary>Number of secrets.</summary>
    public int Secrets { get; private set; }

    /// <summary>Grows with each change of secrets or data keys; 0: none so far.</summary>
    public long Version { get; private set; }

    /// <summary>The digest of all rows, sealed for owner, version, number of secrets and bytes.</summary>
    public byte[] Account { get; private set; } = [];

    /// <summary>
    /// Changes with every write to the owner's secrets, in the same transaction. Triggers also change the stamp when somebody bypasses the service.
    /// A changed stamp means only that cached data may be stale.
    /// </summary>
    public long Stamp { get; private set; }

    /// <summary>Sets the new state of the account at the end of a transaction.</summary>
    public void MoveTo(long version, int secrets, long bytesUsed, byte[] account) => (Version, Secrets, BytesUsed, Account) = (version, secrets, bytesUsed, account);
}
