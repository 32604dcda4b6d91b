using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Secrets.Application.Common;

namespace Secrets.Api.Authentication;

/// <summary>
/// Marks what may be asked with a key that was remembered and not looked up, because its use case confirms the key before anything leaves
/// (<see cref="ConfirmsCallerAttribute"/>).
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class AcceptsCachedCallersAttribute : Attribute;

/// <summary>Has a remembered key confirmed where the use case did not come to it: what goes wrong is told to nobody whose key was revoked.</summary>
internal sealed class CachedCallers(RequestDelegate next, ICredentialAuthenticator credentials)
{
    /// <summary>Whether the request may be made with a key that was remembered.</summary>
    public static bool AreAcceptedAt(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<AcceptsCachedCallersAttribute>() is not null;

    public Task InvokeAsync(HttpContext context) =>
        context.User is CallerPrincipal { Caller.CachedKey: { } key } ? InvokeAsync(context, key) : next(context);

    private async Task InvokeAsync(HttpContext context, CachedKey key)
    {
        try
        {
            await next(context);
        }
        catch (Exception exception) when (exception is not OperationCanceledException && !context.Response.HasStarted)
        {
            if (await IsRefusedAsync(context, key))
            {
                return;
            }

            throw;
        }

        // The framework's own failures, a content type for example, are a status that nobody has given a body yet.
        if (context.Response is { HasStarted: false, StatusCode: >= StatusCodes.Status400BadRequest })
        {
            await IsRefusedAsync(context, key);
        }
    }

    /// <summary>Whether the key is accepted no more; then that is the answer.</summary>
    private async Task<bool> IsRefusedAsync(HttpContext context, CachedKey key)
    {
        if (await credentials.ConfirmAsync(key, context.RequestAborted))
        {
            return false;
        }

        await context.ChallengeAsync(new AuthenticationProperties { Parameters = { [CredentialsHandler.RefusedLater] = true } });
        context.User = new ClaimsPrincipal();
        return true;
    }
}
