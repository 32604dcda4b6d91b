using MediatR;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;

namespace Secrets.Application.Audit;

/// <summary>Checks that the audit is as it was written, and that nothing of it was taken away. Reads all of it.</summary>
/// <param name="Kept">Where the chains ended earlier (<see cref="GetCheckpoint"/>); null: only what the process itself keeps is compared with.</param>
[RequiresScope(Scopes.Operator)]
[AuditedAs(AuditAction.AuditVerify)]
public sealed record VerifyAudit(AuditCheckpoint? Kept) : IRequest<AuditVerdict>;

internal sealed class VerifyAuditHandler(IAuditVerifier verifier) : IRequestHandler<VerifyAudit, AuditVerdict>
{
    public Task<AuditVerdict> Handle(VerifyAudit request, CancellationToken cancellationToken) => verifier.VerifyAsync(request.Kept, cancellationToken);
}
