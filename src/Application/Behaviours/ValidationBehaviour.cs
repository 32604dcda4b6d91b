using Secrets.Application.Common;

namespace Secrets.Application.Behaviours;

/// <summary>Runs the request's validators and reports all violations together.</summary>
internal sealed class ValidationBehaviour<TRequest, TResponse>(IEnumerable<IValidator<TRequest>> validators)
    : IPipelineBehavior<TRequest, TResponse>
    where TRequest : IRequest<TResponse>
{
    public Task<TResponse> Handle(TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next)
    {
        var violations = new List<Violation>();
        foreach (var validator in validators)
        {
            foreach (var error in validator.Validate(request).Errors)
            {
                violations.Add(new Violation(error.PropertyName, error.ErrorCode, error.ErrorMessage));
            }
        }

        return violations.Count == 0 ? next() : throw new InvalidRequestException(violations);
    }
}
