using System.Reflection;
using Secrets.Application.Audit;
using Secrets.Application.Common;

namespace Secrets.Application.Behaviours;

/// <summary>
/// Audits each denial: a missing scope or right, and an id or user that does not exist for the caller. A handler cannot do this,
/// because its transaction is rolled back.
/// </summary>
internal sealed class DenialBehaviour<TRequest, TResponse>(IDenialLog log, AuditTrail trail, Caller caller) : IPipelineBehavior<TRequest, TResponse>
    where TRequest : IRequest<TResponse>
{
    private static readonly AuditedAsAttribute? Name = typeof(TRequest).GetCustomAttribute<AuditedAsAttribute>();

    // A caller without the scope could invent user names, and each would get rows of its own. So that name is ignored.
    private RefusedCaller Refused => new(caller.UserId, IsAccepted: true, caller.Has(Scopes.UsersAct) ? caller.NamedUser : null);

    public async Task<TResponse> Handle(TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next)
    {
        if (Name is null)
        {
            throw new InvalidOperationException($"{typeof(TRequest).Name} has no AuditedAs attribute.");
        }

        try
        {
            return await next();
        }
        catch (Exception failure) when (failure is ForbiddenException || (failure is NotFoundException && (request is INamesTarget || caller.NamedUser is not null)))
        {
            // Throws if a cached key is no longer accepted. The Api then answers 401 and audits that refusal instead.
            var denial = trail.Denial(Name.Action, request as INamesTarget, request as INamesOwner);
            await log.WriteAsync(Refused, denial, new Preconditions([], caller.CachedKey));
            throw;
        }
    }
}
