using Secrets.Application.Audit;
using Secrets.Application.Common;

namespace Secrets.Application.Encryption;

/// <summary>
/// Schedules replacement of all current keys of a layer. Every replica works on the rotation in the background and resumes after a restart.
/// A second request during a rotation extends the rotation to the keys of that later moment.
/// </summary>
/// <param name="Layer">The layer (<see cref="KeyLayers"/>).</param>
[RequiresScope(Scopes.Operator)]
[AuditedAs(AuditAction.EncryptionRotate)]
public sealed record RotateKeys(string? Layer) : IRequest<EncryptionState>;

internal sealed class RotateKeysValidator : AbstractValidator<RotateKeys>
{
    public RotateKeysValidator()
    {
        RuleFor(request => request.Layer).Required();
        RuleFor(request => request.Layer).Must(name => name is null || KeyLayers.Parse(name) is not null)
            .WithErrorCode(Codes.BadValue).WithMessage($"Must be {KeyLayers.DataKeys}, {KeyLayers.KeyRing} or {KeyLayers.Integrity}.");
    }
}

internal sealed class RotateKeysHandler(IKeyRotation rotation, AuditTrail trail) : IRequestHandler<RotateKeys, EncryptionState>
{
    public async Task<EncryptionState> Handle(RotateKeys request, CancellationToken cancellationToken)
    {
        await rotation.RequestAsync(KeyLayers.Parse(request.Layer)!.Value, trail.Success(AuditAction.EncryptionRotate), cancellationToken);
        return await rotation.ReadAsync(cancellationToken);
    }
}
