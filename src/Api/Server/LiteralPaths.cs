using Microsoft.AspNetCore.Routing.Matching;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Secrets.Api.Server;

/// <summary>
/// Prevents a route parameter from matching a literal of another route. Otherwise <c>GET /secrets/resolve</c> would mean the secret with the id
/// "resolve" and be answered with 422. The correct answer is 405: a wrong method for that path.
/// </summary>
internal static class LiteralPaths
{
    private static readonly BesideLiterals Policy = new();

    // Not in the route templates, because logs and metrics show these.
    public static void Keep(EndpointBuilder endpoint)
    {
        if (endpoint is RouteEndpointBuilder { RoutePattern: { Parameters.Count: > 0 } pattern } route)
        {
            var policies = pattern.Parameters.Select(parameter => KeyValuePair.Create<string, object?>(parameter.Name, Policy));
            route.RoutePattern = RoutePatternFactory.Parse(
                pattern.RawText!, new RouteValueDictionary(pattern.Defaults), new(policies), new(pattern.RequiredValues));
        }
    }

    private sealed class BesideLiterals : IRouteConstraint, IParameterLiteralNodeMatchingPolicy
    {
        public bool Match(HttpContext? httpContext, IRouter? route, string routeKey, RouteValueDictionary values, RouteDirection routeDirection) => true;

        public bool MatchesLiteral(string parameterName, string literal) => false;
    }
}
