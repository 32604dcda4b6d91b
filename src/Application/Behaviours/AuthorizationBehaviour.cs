using System.Reflection;
using Secrets.Application.Common;

namespace Secrets.Application.Behaviours;

/// <summary>
/// Refuses a request unless the caller has a scope that the request's type requires, and may act for the user in the request (<see cref="Caller.NamedUser"/>).
/// Handlers do not check either again.
/// </summary>
internal sealed class AuthorizationBehaviour<TRequest, TResponse>(Caller caller, IOperators operators) : IPipelineBehavior<TRequest, TResponse>
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

        if (!Requirement.IsMetBy(caller))
        {
            throw new ForbiddenException(
                $"The credential lacks the scope {string.Join(" or ", Requirement.AnyOf.Select(scopes => string.Join(' ', ScopeNames.For(scopes))))}.");
        }

        return caller.NamedUser is { } userId ? ActAsync(userId, next, cancellationToken) : next();
    }

    private async Task<TResponse> ActAsync(Guid userId, RequestHandlerDelegate<TResponse> next, CancellationToken cancellationToken)
    {
        if (!caller.Has(Scopes.UsersAct))
        {
            throw new ForbiddenException("Only a credential with the scope users:act may name a user.");
        }

        // Nobody acts for an operator.
        return userId == caller.UserId || !await operators.ContainAsync(userId, cancellationToken) ? await next() : throw new NotFoundException();
    }
}
