using System.Security.Claims;
using Secrets.Application.Common;

namespace Secrets.Api.Authentication;

/// <summary>An authenticated caller in the form that the framework passes around.</summary>
internal sealed class CallerPrincipal(Caller caller, string scheme) : ClaimsPrincipal(new ClaimsIdentity(scheme))
{
    public Caller Caller => caller;
}
