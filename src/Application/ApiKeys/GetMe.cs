using Secrets.Application.Common;

namespace Secrets.Application.ApiKeys;

/// <summary>Returns the caller that the credential stands for. Any scope suffices.</summary>
[RequiresScope(Scopes.SecretsRead, Scopes.SecretsWrite, Scopes.SecretsResolve, Scopes.KeysManage, Scopes.AuditRead, Scopes.Operator, Scopes.UsersAct)]
[AuditedAs(AuditAction.Authenticate)]
public sealed record GetMe : IRequest<Caller>;

internal sealed class GetMeHandler(Caller caller) : IRequestHandler<GetMe, Caller>
{
    public Task<Caller> Handle(GetMe request, CancellationToken cancellationToken) => Task.FromResult(caller);
}
