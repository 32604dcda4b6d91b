using System.ComponentModel;
using MediatR;
using Secrets.Api.Binding;
using Secrets.Application.Secrets;

namespace Secrets.Api.V1;

/// <summary>The use of the quota.</summary>
[ApiController]
[Route("api/v1/usage")]
[Tags("Usage")]
[ActsForUsers]
public sealed class UsageController(IMediator mediator) : ControllerBase
{
    /// <summary>Get the use of the quota.</summary>
    [HttpGet]
    [ProducesResponseType<Usage>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status404NotFound)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> Get(
        [FromQuery(Name = "organization_id"), Description("An organisation that the caller administers; the caller's own secrets by default.")]
        string? organizationId,
        CancellationToken cancellationToken) =>
        Ok(Usage.From(await mediator.Send(new GetUsage(OwnerSelector.OrganizationOrCaller(organizationId)), cancellationToken)));
}
