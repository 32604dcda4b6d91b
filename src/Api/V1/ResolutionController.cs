using MediatR;
using Microsoft.AspNetCore.Mvc;
using Secrets.Api.Authentication;
using Secrets.Api.Json;
using Secrets.Api.Limits;

namespace Secrets.Api.V1;

/// <summary>Filling the arguments of a tool call from secrets.</summary>
[ApiController]
[Route("api/v1/secrets/resolve")]
[Route("v1/secrets/resolve")]
[Tags("Resolution")]
public sealed class ResolutionController(IMediator mediator) : ControllerBase
{
    /// <summary>Hand out the values for a tool call. For runtimes with the scope `secrets:resolve`; an argument without a value is no error.</summary>
    [HttpPost]
    [LimitedAsResolve]
    [AcceptsCachedCallers]
    [ProducesResponseType<Resolved>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status403Forbidden)]
    [ProducesResponseType<Error>(StatusCodes.Status409Conflict)]
    [ProducesResponseType<Error>(StatusCodes.Status413PayloadTooLarge, Description = "The values have more than 4 MiB together, or the body is too large.")]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> Resolve([FromBody] ResolveBody body) =>
        Ok(Resolved.From(Response.Own(await mediator.Send(body.ToQuery(), HttpContext.RequestAborted)), HttpContext.TraceIdentifier, body.Context)); // A parameter would be bound first.

    /// <summary>Say which secrets a tool call would get and why, without any value.</summary>
    [HttpPost("explain")]
    [ProducesResponseType<ResolutionExplanation>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status403Forbidden)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> Explain([FromBody] ExplainBody body, CancellationToken cancellationToken) =>
        Ok(ResolutionExplanation.From(await mediator.Send(body.ToQuery(), cancellationToken)));
}
