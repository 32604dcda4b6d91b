using System.Security.Claims;

namespace Secrets.Api.Authentication;

/// <summary>An authenticated caller as a principal of the framework.</summary>
internal sealed class CallerPrincipal(Caller caller, string scheme) : ClaimsPrincipal(new ClaimsIdentity(scheme))
{
    public Caller Caller => caller;
}
