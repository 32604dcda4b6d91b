using MediatR;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;

namespace Secrets.Application.Audit;

/// <summary>Where every chain of the audit ends: to be kept elsewhere, so that <see cref="VerifyAudit"/> can tell later what is missing.</summary>
[RequiresScope(Scopes.Operator)]
[AuditedAs(AuditAction.AuditVerify)]
public sealed record GetCheckpoint : IRequest<AuditCheckpoint>;

internal sealed class GetCheckpointHandler(IAuditVerifier verifier) : IRequestHandler<GetCheckpoint, AuditCheckpoint>
{
    public Task<AuditCheckpoint> Handle(GetCheckpoint request, CancellationToken cancellationToken) => verifier.MakeCheckpointAsync(cancellationToken);
}
