using Secrets.Domain.Audit;

namespace Secrets.Application.Encryption;

/// <summary>Replaces the keys that seal values, and the keys above those.</summary>
public interface IKeyRotation
{
    /// <summary>Has every key of a layer replaced that there is at this moment, later and behind the requests.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="fact">What the audit says of it, in the same transaction.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task RequestAsync(KeyLayer layer, AuditEvent fact, CancellationToken cancellationToken);

    /// <summary>How far it is.</summary>
    Task<EncryptionState> ReadAsync(CancellationToken cancellationToken);
}
