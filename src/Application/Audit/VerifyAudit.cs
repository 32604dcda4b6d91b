using Secrets.Application.Common;

namespace Secrets.Application.Audit;

/// <summary>Verifies that no row of the audit was changed or removed. Reads all rows.</summary>
/// <param name="Checkpoint">An earlier checkpoint (<see cref="GetCheckpoint"/>); null: compare only with the checkpoint that the process keeps.</param>
[RequiresScope(Scopes.Operator)]
[AuditedAs(AuditAction.AuditVerify)]
public sealed record VerifyAudit(AuditCheckpoint? Checkpoint) : IRequest<AuditVerdict>;

internal sealed class VerifyAuditHandler(IAuditVerifier verifier) : IRequestHandler<VerifyAudit, AuditVerdict>
{
    public Task<AuditVerdict> Handle(VerifyAudit request, CancellationToken cancellationToken) => verifier.VerifyAsync(request.Checkpoint, cancellationToken);
}
