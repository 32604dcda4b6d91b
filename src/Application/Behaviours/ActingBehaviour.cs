using Secrets.Application.Common;

namespace Secrets.Application.Behaviours;

/// <summary>Decides whether the caller may act for the user in the request (<see cref="Caller.NamedUser"/>). Handlers do not check this again.</summary>
internal sealed class ActingBehaviour<TRequest, TResponse>(Caller caller, IOperators operators) : IPipelineBehavior<TRequest, TResponse>
    where TRequest : IRequest<TResponse>
{
    public Task<TResponse> Handle(TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next) =>
        caller.NamedUser is { } userId ? ActAsync(userId, next, cancellationToken) : next();

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
