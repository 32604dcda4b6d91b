using MediatR;
using Secrets.Application.Encryption;

namespace Secrets.Api.V1;

/// <summary>The encryption keys. For operators.</summary>
[ApiController]
[Route("api/v1/encryption")]
[Tags("Encryption")]
public sealed class EncryptionController(IMediator mediator) : ControllerBase
{
    /// <summary>Get the root key in use and the progress of key rotations.</summary>
    [HttpGet]
    [ProducesResponseType<EncryptionInfo>(StatusCodes.Status200OK)]
    public async Task<IActionResult> Get(CancellationToken cancellationToken) =>
        Ok(EncryptionInfo.From(await mediator.Send(new GetEncryption(), cancellationToken)));

    /// <summary>Schedule replacement of all current keys of a layer in the background. `GET` shows the progress.</summary>
    [HttpPost("rotate")]
    [ProducesResponseType<EncryptionInfo>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status409Conflict)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> Rotate([FromBody] RotateKeysBody body, CancellationToken cancellationToken) =>
        Ok(EncryptionInfo.From(await mediator.Send(body.ToCommand(), cancellationToken)));
}
