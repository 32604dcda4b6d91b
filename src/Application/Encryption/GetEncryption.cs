using Secrets.Application.Common;

namespace Secrets.Application.Encryption;

/// <summary>Reads the root key in use and the progress of key rotations.</summary>
[RequiresScope(Scopes.Operator)]
[AuditedAs(AuditAction.EncryptionGet)]
public sealed record GetEncryption : IRequest<EncryptionState>;

/// <summary>The answer to <see cref="GetEncryption"/>.</summary>
/// <param name="RootKey">The root key's fingerprint.</param>
/// <param name="DataKeys">Rotation of the data keys.</param>
/// <param name="KeyRing">Rotation of the key ring.</param>
/// <param name="Integrity">Rotation of the integrity key.</param>
public sealed record EncryptionState(string RootKey, RotationProgress DataKeys, RotationProgress KeyRing, RotationProgress Integrity);

/// <summary>The progress of a layer's rotation.</summary>
/// <param name="RequestedAt">When the last rotation was requested; null: never.</param>
/// <param name="FinishedAt">When the last old key was removed; null: not yet.</param>
/// <param name="KeysLeft">Number of old keys left. An old key stays while data is sealed with it, and for a grace period after that.</param>
public sealed record RotationProgress(DateTimeOffset? RequestedAt, DateTimeOffset? FinishedAt, long KeysLeft);

internal sealed class GetEncryptionHandler(IKeyRotation rotation) : IRequestHandler<GetEncryption, EncryptionState>
{
    public Task<EncryptionState> Handle(GetEncryption request, CancellationToken cancellationToken) => rotation.ReadAsync(cancellationToken);
}
