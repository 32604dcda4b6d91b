using System.ComponentModel;
using MediatR;
using Microsoft.AspNetCore.Http.Timeouts;
using Secrets.Api.Limits;
using Secrets.Api.OpenApi;
using Secrets.Application.Audit;

namespace Secrets.Api.V1;

/// <summary>The audit of actions and refusals.</summary>
[ApiController]
[Route("api/v1/audit")]
[Tags("Audit")]
public sealed class AuditController(IMediator mediator) : ControllerBase
{
    /// <summary>Read the audit, newest first: rows of the caller and of organisations that the caller administers. Operators read all rows.</summary>
    [HttpGet]
    [LongList]
    [ProducesResponseType<AuditInfoList>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status409Conflict)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> List(
        [FromQuery, NumberLimit(1, Paging.MaxLimit), Description("The most rows to return, 1 to 1000; 100 by default.")] int? limit,
        [FromQuery, Description("The `next_cursor` of the previous page.")] string? cursor,
        [FromQuery(Name = "secret_id"), Description("Only rows about this secret.")] Guid? secretId,
        [FromQuery, Description("Only actions of this user.")] Guid? actor,
        [FromQuery, Description("Only this action, such as `secret.update`.")] string? action,
        [FromQuery, Description("Only `success` or only `denied`.")] string? outcome,
        [FromQuery, Description("Only rows at or after this moment, in RFC 3339. The fraction is cut to microseconds.")] string? from,
        [FromQuery, Description("Only rows before this moment, in RFC 3339. The fraction is cut to microseconds.")] string? to,
        CancellationToken cancellationToken) =>
        Ok(AuditInfoList.From(await mediator.Send(
            new ListAudit(limit, cursor, secretId, actor, action, outcome, from, to), cancellationToken)));

    /// <summary>Verify that no audit row was changed, and that none is missing since the service's own checkpoint. Reads all rows. For operators.</summary>
    [HttpGet("verify")]
    [DisableRequestTimeout]
    [ProducesResponseType<AuditCheck>(StatusCodes.Status200OK)]
    public async Task<IActionResult> Verify(CancellationToken cancellationToken) =>
        Ok(AuditCheck.From(await mediator.Send(new VerifyAudit(Checkpoint: null), cancellationToken)));

    /// <summary>Verify the audit, and that no row from before the given checkpoint is missing. For operators.</summary>
    [HttpPost("verify")]
    [DisableRequestTimeout]
    [LargeBodyOfOperators]
    [ProducesResponseType<AuditCheck>(StatusCodes.Status200OK)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> VerifySince(CheckpointInfo body, CancellationToken cancellationToken) =>
        Ok(AuditCheck.From(await mediator.Send(body.ToCommand(), cancellationToken)));

    /// <summary>Get a checkpoint: the authenticated ends of all chains. Keep it outside the service and send it to `verify` later. For operators.</summary>
    [HttpGet("checkpoint")]
    [ProducesResponseType<CheckpointInfo>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status409Conflict)]
    public async Task<IActionResult> Checkpoint(CancellationToken cancellationToken) =>
        Ok(CheckpointInfo.From(await mediator.Send(new GetCheckpoint(), cancellationToken)));
}
