using Secrets.Application.Common;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Secrets;

/// <summary>Seals values for the row they belong to, and opens them there and nowhere else.</summary>
public interface ISealer
{
    /// <summary>
    /// Seals a value, in a transaction (<see cref="ISecretsDb.InTransactionAsync"/>) that has locked the owner: until its end the data key stays the one
    /// that new values are sealed with. One is made, in the transaction, where there is none.
    /// </summary>
    /// <exception cref="ConflictException">There is a data key, and it does not unwrap.</exception>
    Task<byte[]> SealAsync(Placement placement, SecretValue value, CancellationToken cancellationToken);

    /// <summary>
    /// Seals a value outside of any transaction, with a data key that may have been replaced or deleted meanwhile: only for <see cref="INewSecrets"/>, which
    /// does not store what was sealed with such a key. The owner's account and data key are made when they do not exist.
    /// </summary>
    /// <exception cref="ConflictException">There is a data key, and it does not unwrap.</exception>
    Task<byte[]> SealAheadAsync(Placement placement, SecretValue value, CancellationToken cancellationToken);

    /// <summary>Opens an envelope.</summary>
    /// <exception cref="BrokenSealException">The envelope or the placement is not what was sealed.</exception>
    ValueTask<SecretValue> OpenAsync(Placement placement, ReadOnlyMemory<byte> envelope, CancellationToken cancellationToken);
}
