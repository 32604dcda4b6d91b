using Microsoft.AspNetCore.Routing.Matching;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Secrets.Api.Server;

/// <summary>
/// Keeps parameters from standing for what another route spells out. <c>GET /secrets/resolve</c> would else be about the secret with the id
/// "resolve" and answered with 422, where it is the wrong method for that path: 405.
/// </summary>
internal static class LiteralPaths
{
    private static readonly BesideLiterals Policy = new();

    // Here and not in the templates, because they are shown: in the log and in metrics.
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
