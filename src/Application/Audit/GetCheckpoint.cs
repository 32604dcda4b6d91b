using Secrets.Application.Common;

namespace Secrets.Application.Audit;

/// <summary>Reads the ends of all chains. Kept outside the service, the checkpoint shows <see cref="VerifyAudit"/> later which rows are missing.</summary>
[RequiresScope(Scopes.Operator)]
[AuditedAs(AuditAction.AuditVerify)]
public sealed record GetCheckpoint : IRequest<AuditCheckpoint>;

internal sealed class GetCheckpointHandler(IAuditVerifier verifier) : IRequestHandler<GetCheckpoint, AuditCheckpoint>
{
    public Task<AuditCheckpoint> Handle(GetCheckpoint request, CancellationToken cancellationToken) => verifier.MakeCheckpointAsync(cancellationToken);
}
