using System.Reflection;
using MediatR;
using Secrets.Application.Audit;

namespace Secrets.Application.Common.Behaviours;

/// <summary>
/// Writes each refusal to the audit: a missing scope or right, and an id or a user that does not exist for the caller. Here and not where it is
/// refused, because what the handler began is rolled back.
/// </summary>
internal sealed class DenialBehaviour<TRequest, TResponse>(IDenialLog log, AuditTrail trail, Caller caller) : IPipelineBehavior<TRequest, TResponse>
    where TRequest : IRequest<TResponse>
{
    private static readonly AuditedAsAttribute? Name = typeof(TRequest).GetCustomAttribute<AuditedAsAttribute>();

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
            // Whoever is refused and hangs up was refused all the same. Of a key that is not accepted any more it is another refusal, and written by who says so.
            var denial = trail.Denial(Name.Action, request as INamesOne, request as INamesOwner);
            await log.WriteAsync(caller.UserId, denial, new Grounds([], caller.Remembered));
            throw;
        }
    }
}
