using MediatR;
using Secrets.Api.Authentication;
using Secrets.Api.Json;
using Secrets.Api.Limits;

namespace Secrets.Api.V1;

/// <summary>Fills the arguments of tool calls.</summary>
[ApiController]
[Route("api/v1/secrets/resolve")]
[Route("v1/secrets/resolve")]
[Tags("Resolution")]
public sealed class ResolutionController(IMediator mediator) : ControllerBase
{
    /// <summary>Get the values for a tool call. An argument without a value is no error. For runtimes with the scope `secrets:resolve`.</summary>
    [HttpPost]
    [LimitedAsResolve]
    [AcceptsCachedCallers]
    [ProducesResponseType<Resolved>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status403Forbidden)]
    [ProducesResponseType<Error>(StatusCodes.Status409Conflict)]
    [ProducesResponseType<Error>(StatusCodes.Status413PayloadTooLarge, Description = "The values exceed 4 MiB in total, or the body is too large.")]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> Resolve([FromBody] ResolveBody body) =>
        Ok(Resolved.From(Response.DisposeAfter(await mediator.Send(body.ToQuery(), HttpContext.RequestAborted)), HttpContext.TraceIdentifier, body.Context)); // A token parameter would be bound first.

    /// <summary>Explain which secrets a tool call would get and why, without values.</summary>
    [HttpPost("explain")]
    [ProducesResponseType<ResolutionExplanation>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status403Forbidden)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> Explain([FromBody] ExplainBody body, CancellationToken cancellationToken) =>
        Ok(ResolutionExplanation.From(await mediator.Send(body.ToQuery(), cancellationToken)));
}
