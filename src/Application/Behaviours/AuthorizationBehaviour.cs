using System.Reflection;
using Secrets.Application.Common;

namespace Secrets.Application.Behaviours;

/// <summary>Refuses a request unless the caller has a scope that the request's type requires.</summary>
internal sealed class AuthorizationBehaviour<TRequest, TResponse>(Caller caller) : IPipelineBehavior<TRequest, TResponse>
    where TRequest : IRequest<TResponse>
{
    private static readonly RequiresScopeAttribute? Requirement = typeof(TRequest).GetCustomAttribute<RequiresScopeAttribute>();

    private static readonly bool ConfirmsCaller = typeof(TRequest).IsDefined(typeof(ConfirmsCallerAttribute), inherit: false);

    public Task<TResponse> Handle(TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next)
    {
        if (Requirement is null)
        {
            throw new InvalidOperationException($"{typeof(TRequest).Name} does not say which scope it requires.");
        }

        if (caller.CachedKey is not null && !ConfirmsCaller)
        {
            throw new InvalidOperationException($"{typeof(TRequest).Name} does not confirm a caller with a cached key.");
        }

        return Requirement.IsMetBy(caller)
            ? next()
            : throw new ForbiddenException(
                $"The credential lacks the scope {string.Join(" or ", Requirement.AnyOf.Select(scopes => string.Join(' ', ScopeNames.For(scopes))))}.");
    }
}
