using Microsoft.AspNetCore.Mvc.Filters;
using Secrets.Api.Authentication;
using Secrets.Domain.ApiKeys;

namespace Secrets.Api.Binding;

/// <summary>
/// Marks endpoints that accept <c>user_id</c> or <c>user</c> in the query. The caller then acts for that user. The pipeline
/// decides whether this is allowed, and audits a refusal.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class ActsForUsersAttribute : Attribute, IAsyncResourceFilter
{
    public const string UserId = "user_id";
    public const string User = "user";

    private const string OrganizationId = "organization_id";
    private const string Source = "query";

    public Task OnResourceExecutionAsync(ResourceExecutingContext context, ResourceExecutionDelegate next) =>
        context.HttpContext is { User: CallerPrincipal { Caller: var caller } } http && IsNamedIn(http.Request.Query)
            ? ActAsync(http, caller, next)
            : next();

    private static async Task ActAsync(HttpContext http, Caller caller, ResourceExecutionDelegate next)
    {
        var (id, name) = Read(http.Request.Query);

        // Without the scope, the name is not looked up: the caller is refused for every name.
        var userId = id is { } given ? given
            : caller.Has(Scopes.UsersAct) ? await http.RequestServices.GetRequiredService<IUserNames>().RequireAsync(name!, Source, http.RequestAborted)
            : Guid.Empty;
        http.User = new CallerPrincipal(caller.ActingFor(userId), CredentialsHandler.SchemeName);
        await next();
    }

    private static bool IsNamedIn(IQueryCollection query) => query.ContainsKey(UserId) || query.ContainsKey(User);

    private static (Guid? Id, string? Name) Read(IQueryCollection query)
    {
        var violations = new List<Violation>();
        var id = Once(query, UserId, UserReference.UserId, violations);
        var name = Once(query, User, UserReference.User, violations);
        var userId = Uuids.Parse(id);
        if (id is not null && userId is null)
        {
            violations.Add(new Violation(UserReference.UserId, Codes.NotUuid, "Must be a uuid.", Source));
        }

        if (name is not null && UserReference.Check(name, Source) is { } wrong)
        {
            violations.Add(wrong);
        }

        if (query.ContainsKey(UserId) && query.ContainsKey(User))
        {
            violations.Add(new Violation(UserReference.User, Codes.BadValue, UserReference.Both, Source));
        }

        if (query.ContainsKey(OrganizationId))
        {
            violations.Add(new Violation("OrganizationId", Codes.BadValue, "Must not be given together with a user, because a secret has one owner.", Source));
        }

        return violations.Count == 0 ? (userId, name) : throw new InvalidRequestException(violations);
    }

    /// <summary>The value of a parameter; null: absent. A repeated or empty parameter is a violation.</summary>
    private static string? Once(IQueryCollection query, string parameter, string member, List<Violation> violations)
    {
        if (!query.TryGetValue(parameter, out var given))
        {
            return null;
        }

        if (given is [{ Length: > 0 } text])
        {
            return text;
        }

        violations.Add(new Violation(member, Codes.BadValue, InvalidParameters.NotOnce, Source));
        return null;
    }
}
