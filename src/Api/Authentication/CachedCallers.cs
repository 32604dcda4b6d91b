using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;

namespace Secrets.Api.Authentication;

/// <summary>
/// Marks an action that accepts a cached key, because its use case confirms the key before an answer leaves (<see cref="ConfirmsCallerAttribute"/>).
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class AcceptsCachedCallersAttribute : Attribute;

/// <summary>Confirms a cached key if the use case failed before it did: the holder of a revoked key gets 401 and not the failure.</summary>
internal sealed class CachedCallers(RequestDelegate next, ICredentialAuthenticator credentials)
{
    /// <summary>Whether the request's action accepts a cached key.</summary>
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

        // The framework's own failures, such as a wrong content type, are a status without a body at this point.
        if (context.Response is { HasStarted: false, StatusCode: >= StatusCodes.Status400BadRequest })
        {
            await IsRefusedAsync(context, key);
        }
    }

    /// <summary>Whether the key is no longer accepted. If so, the answer is a 401.</summary>
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
