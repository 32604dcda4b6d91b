using MediatR;
using Microsoft.AspNetCore.Mvc;
using Secrets.Application.Encryption;

namespace Secrets.Api.V1;

/// <summary>The keys that values are sealed with; for operators.</summary>
[ApiController]
[Route("api/v1/encryption")]
[Tags("Encryption")]
public sealed class EncryptionController(IMediator mediator) : ControllerBase
{
    /// <summary>Which root key is in use, and how far the replacement of the keys below it is.</summary>
    [HttpGet]
    [ProducesResponseType<EncryptionInfo>(StatusCodes.Status200OK)]
    public async Task<IActionResult> Get(CancellationToken cancellationToken) =>
        Ok(EncryptionInfo.From(await mediator.Send(new GetEncryption(), cancellationToken)));

    /// <summary>
    /// Replace every key of a layer that there is now. The answer does not wait for it: the service goes on as ever meanwhile, and `GET` says how far it is.
    /// </summary>
    [HttpPost("rotate")]
    [ProducesResponseType<EncryptionInfo>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status409Conflict)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> Rotate([FromBody] RotateKeysBody body, CancellationToken cancellationToken) =>
        Ok(EncryptionInfo.From(await mediator.Send(body.ToCommand(), cancellationToken)));
}
