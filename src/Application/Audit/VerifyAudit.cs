using MediatR;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;

namespace Secrets.Application.Audit;

/// <summary>Checks that the audit is as it was written. Reads all of it.</summary>
[RequiresScope(Scopes.Operator)]
[AuditedAs(AuditAction.AuditVerify)]
public sealed record VerifyAudit : IRequest<AuditVerdict>;

internal sealed class VerifyAuditHandler(IAuditVerifier verifier) : IRequestHandler<VerifyAudit, AuditVerdict>
{
    public Task<AuditVerdict> Handle(VerifyAudit request, CancellationToken cancellationToken) => verifier.VerifyAsync(cancellationToken);
}
