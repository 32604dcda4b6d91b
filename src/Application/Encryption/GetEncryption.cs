using MediatR;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;

namespace Secrets.Application.Encryption;

/// <summary>Which root key is in use, and how far the replacement of the keys below it is.</summary>
[RequiresScope(Scopes.Operator)]
[AuditedAs(AuditAction.EncryptionGet)]
public sealed record GetEncryption : IRequest<EncryptionState>;

/// <summary>The answer to <see cref="GetEncryption"/>.</summary>
/// <param name="RootKey">The root key's fingerprint.</param>
/// <param name="DataKeys">The replacement of data keys.</param>
/// <param name="KeyRing">The replacement of the key ring.</param>
/// <param name="Integrity">The replacement of the integrity key.</param>
public sealed record EncryptionState(string RootKey, RotationProgress DataKeys, RotationProgress KeyRing, RotationProgress Integrity);

/// <summary>How far the replacement of a layer's keys is.</summary>
/// <param name="RequestedAt">When it was asked for last; null: never.</param>
/// <param name="FinishedAt">When the last key from before that was gone; null: it is not.</param>
/// <param name="KeysLeft">Keys from before that are still there, because something is sealed with them or was until just now.</param>
public sealed record RotationProgress(DateTimeOffset? RequestedAt, DateTimeOffset? FinishedAt, long KeysLeft);

internal sealed class GetEncryptionHandler(IKeyRotation rotation) : IRequestHandler<GetEncryption, EncryptionState>
{
    public Task<EncryptionState> Handle(GetEncryption request, CancellationToken cancellationToken) => rotation.ReadAsync(cancellationToken);
}
