using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace Secrets.Api.Binding;

/// <summary>Marks a controller that ignores unknown parameters, as the vendor of its dialect does.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class IgnoresUnknownParametersAttribute : Attribute;

/// <summary>Refuses unknown query parameters: with a misspelt filter, a list would return everything.</summary>
internal sealed class UnknownParameters : IResourceFilter
{
    private const int MaxNamed = 10;

    public void OnResourceExecuting(ResourceExecutingContext context)
    {
        if (!context.HttpContext.Request.QueryString.HasValue || context.ActionDescriptor.EndpointMetadata.OfType<IgnoresUnknownParametersAttribute>().Any())
        {
            return;
        }

        var known = context.ActionDescriptor.Parameters
            .Where(parameter => parameter.BindingInfo?.BindingSource == BindingSource.Query)
            .Select(parameter => parameter.BindingInfo!.BinderModelName ?? parameter.Name)
            .Concat(context.ActionDescriptor.EndpointMetadata.OfType<ActsForUsersAttribute>().Any() ? [ActsForUsersAttribute.UserId, ActsForUsersAttribute.User] : Array.Empty<string>());
        var unknown = context.HttpContext.Request.Query.Keys.Except(known, StringComparer.OrdinalIgnoreCase).Take(MaxNamed)
            .Select(name => new Violation("", Codes.Unknown, "Is not a parameter of this request.", "query") { Unknown = name })
            .ToList();
        if (unknown.Count > 0)
        {
            throw new InvalidRequestException(unknown);
        }
    }

    public void OnResourceExecuted(ResourceExecutedContext context)
    {
    }
}
