namespace Secrets.Application.Encryption;

/// <summary>Rotates the keys below the root key.</summary>
public interface IKeyRotation
{
    /// <summary>Schedules replacement of all current keys of a layer in the background.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="auditEvent">The audit event, written in the same transaction.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task RequestAsync(KeyLayer layer, AuditEvent auditEvent, CancellationToken cancellationToken);

    /// <summary>The keys in use and the progress of rotations.</summary>
    Task<EncryptionState> ReadAsync(CancellationToken cancellationToken);
}
