using Microsoft.AspNetCore.Mvc.Controllers;
using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace Secrets.Api.Binding;

/// <summary>Marks a controller that ignores unknown parameters, as the vendor of its dialect does.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class IgnoresUnknownParametersAttribute : Attribute;

/// <summary>Refuses unknown query parameters: with a misspelt filter, a list would return everything.</summary>
internal static class UnknownParameters
{
    private const int MaxNamed = 10;

    /// <summary>Refuses a request with an unknown parameter. A middleware, because an MVC filter would slow down requests without a query too.</summary>
    public static Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Request.QueryString.HasValue
            && context.GetEndpoint()?.Metadata is { } metadata
            && metadata.GetMetadata<ControllerActionDescriptor>() is { } action
            && metadata.GetMetadata<IgnoresUnknownParametersAttribute>() is null)
        {
            Check(context.Request.Query, action);
        }

        return next(context);
    }

    private static void Check(IQueryCollection query, ControllerActionDescriptor action)
    {
        var known = action.Parameters
            .Where(parameter => parameter.BindingInfo?.BindingSource == BindingSource.Query)
            .Select(parameter => parameter.BindingInfo!.BinderModelName ?? parameter.Name)
            .Concat(action.EndpointMetadata.OfType<ActsForUsersAttribute>().Any() ? [ActsForUsersAttribute.UserId, ActsForUsersAttribute.User] : Array.Empty<string>());
        var unknown = query.Keys.Except(known, StringComparer.OrdinalIgnoreCase).Take(MaxNamed)
            .Select(name => new Violation("", Codes.Unknown, "Is not a parameter of this request.", "query") { Unknown = name })
            .ToList();
        if (unknown.Count > 0)
        {
            throw new InvalidRequestException(unknown);
        }
    }
}
