using MediatR;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc.Filters;
using Secrets.Api.Authentication;
using Secrets.Application.Audit;
using Secrets.Domain.ApiKeys;

namespace Secrets.Api.V1;

/// <summary>Raises the body limit for operators. For other callers it sends the use case without a body, so the refusal is audited before the body is read.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LargeBodyOfOperatorsAttribute : Attribute, IAsyncResourceFilter
{
    public async Task OnResourceExecutionAsync(ResourceExecutingContext context, ResourceExecutionDelegate next)
    {
        if ((context.HttpContext.User as CallerPrincipal)?.Caller.Has(Scopes.Operator) != true)
        {
            await context.HttpContext.RequestServices.GetRequiredService<IMediator>().Send(new VerifyAudit(Checkpoint: null), context.HttpContext.RequestAborted);
            return;
        }

        if (context.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } body)
        {
            body.MaxRequestBodySize = CheckpointInfo.MaxSize;
        }

        await next();
    }
}
