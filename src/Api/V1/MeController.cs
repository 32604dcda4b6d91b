using MediatR;
using Secrets.Application.ApiKeys;

namespace Secrets.Api.V1;

/// <summary>The caller's own identity.</summary>
[ApiController]
[Route("api/v1/me")]
[Tags("API keys")]
public sealed class MeController(IMediator mediator) : ControllerBase
{
    /// <summary>Get the user, organisations and scopes of the credential.</summary>
    [HttpGet]
    [ProducesResponseType<MeInfo>(StatusCodes.Status200OK)]
    public async Task<IActionResult> Get(CancellationToken cancellationToken) => Ok(MeInfo.From(await mediator.Send(new GetMe(), cancellationToken)));
}
