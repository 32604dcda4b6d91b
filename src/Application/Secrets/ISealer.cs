using Secrets.Application.Common;

namespace Secrets.Application.Secrets;

/// <summary>Seals a value for one placement. The envelope opens for that placement only.</summary>
public interface ISealer
{
    /// <summary>
    /// Seals a value in a transaction (<see cref="ISecretsDb.InTransactionAsync"/>) that has locked the owner. The owner's current data key cannot be replaced
    /// before the transaction ends. If the owner has no data key, the transaction stores a new one.
    /// </summary>
    /// <exception cref="ConflictException">The owner's data key does not unwrap.</exception>
    Task<byte[]> SealAsync(Placement placement, SecretValue value, CancellationToken cancellationToken);

    /// <summary>
    /// Seals a value outside any transaction, with a data key that may be replaced or deleted meanwhile. <see cref="INewSecrets"/> stores no envelope of a replaced
    /// key. The owner's account and data key are made if they do not exist.
    /// </summary>
    /// <exception cref="ConflictException">The owner's data key does not unwrap.</exception>
    Task<byte[]> SealAheadAsync(Placement placement, SecretValue value, CancellationToken cancellationToken);

    /// <summary>Opens an envelope.</summary>
    /// <exception cref="BrokenSealException">The envelope or its placement was changed.</exception>
    ValueTask<SecretValue> OpenAsync(Placement placement, ReadOnlyMemory<byte> envelope, CancellationToken cancellationToken);
}
