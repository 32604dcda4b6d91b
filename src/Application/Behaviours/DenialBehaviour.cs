using System.Reflection;
using MediatR;
using Secrets.Application.Audit;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;

namespace Secrets.Application.Behaviours;

/// <summary>
/// Writes each refusal to the audit: a missing scope or right, and an id or a user that does not exist for the caller. Here and not where it is
/// refused, because what the handler began is rolled back.
/// </summary>
internal sealed class DenialBehaviour<TRequest, TResponse>(IDenialLog log, AuditTrail trail, Caller caller) : IPipelineBehavior<TRequest, TResponse>
    where TRequest : IRequest<TResponse>
{
    private static readonly AuditedAsAttribute? Name = typeof(TRequest).GetCustomAttribute<AuditedAsAttribute>();

    // Without the scope a user who is named counts as none: names are free, and each would have rows of its own.
    private RefusedCaller Refused => new(caller.UserId, IsAccepted: true, caller.Has(Scopes.UsersAct) ? caller.ActsFor : null);

    public async Task<TResponse> Handle(TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next)
    {
        if (Name is null)
        {
            throw new InvalidOperationException($"{typeof(TRequest).Name} does not say what it is called in the audit.");
        }

        try
        {
            return await next();
        }
        catch (Exception failure) when (failure is ForbiddenException || (failure is NotFoundException && (request is INamesOne || caller.ActsFor is not null)))
        {
            // A key that is no longer accepted fails here: the surface then answers 401 and writes that refusal instead.
            var denial = trail.Denial(Name.Action, request as INamesOne, request as INamesOwner);
            await log.WriteAsync(Refused, denial, new Preconditions([], caller.CachedKey));
            throw;
        }
    }
}
