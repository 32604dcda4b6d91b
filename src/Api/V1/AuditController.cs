using System.ComponentModel;
using MediatR;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Mvc;
using Secrets.Api.Limits;
using Secrets.Api.OpenApi;
using Secrets.Application.Audit;
using Secrets.Application.Common;

namespace Secrets.Api.V1;

/// <summary>Who did what, and who was refused.</summary>
[ApiController]
[Route("api/v1/audit")]
[Tags("Audit")]
public sealed class AuditController(IMediator mediator) : ControllerBase
{
    /// <summary>Read the audit, newest first: one's own rows and those of organisations one administers; for an operator all.</summary>
    [HttpGet]
    [LongAnswer]
    [ProducesResponseType<AuditInfoList>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status409Conflict)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> List(
        [FromQuery, NumberLimit(1, Paging.MaxLimit), Description("Rows to answer at most, 1 to 1000; 100 when left out.")] int? limit,
        [FromQuery, Description("The `next_cursor` of the page before.")] string? cursor,
        [FromQuery(Name = "secret_id"), Description("Only rows about this secret.")] Guid? secretId,
        [FromQuery, Description("Only what this user did.")] Guid? actor,
        [FromQuery, Description("Only this action, such as `secret.update`.")] string? action,
        [FromQuery, Description("Only `success` or only `denied`.")] string? outcome,
        [FromQuery, Description("Only rows of this moment and later, in RFC 3339; its fraction is cut to microseconds.")] string? from,
        [FromQuery, Description("Only rows before this moment, in RFC 3339; its fraction is cut to microseconds.")] string? to,
        CancellationToken cancellationToken) =>
        Ok(AuditInfoList.From(await mediator.Send(
            new ListAudit(limit, cursor, secretId, actor, action, outcome, from, to), cancellationToken)));

    /// <summary>Check that the audit is as it was written, and that nothing is missing since the checkpoint that the process keeps; for operators. Reads all of it.</summary>
    [HttpGet("verify")]
    [DisableRequestTimeout]
    [ProducesResponseType<AuditCheck>(StatusCodes.Status200OK)]
    public async Task<IActionResult> Verify(CancellationToken cancellationToken) =>
        Ok(AuditCheck.From(await mediator.Send(new VerifyAudit(Kept: null), cancellationToken)));

    /// <summary>The same, and that nothing is missing since a checkpoint that was kept elsewhere.</summary>
    [HttpPost("verify")]
    [DisableRequestTimeout]
    [LargeBodyOfOperators]
    [ProducesResponseType<AuditCheck>(StatusCodes.Status200OK)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> VerifySince(CheckpointInfo body, CancellationToken cancellationToken) =>
        Ok(AuditCheck.From(await mediator.Send(body.ToCommand(), cancellationToken)));

    /// <summary>Where every chain of the audit ends, authenticated: to be kept elsewhere and sent to `verify` later; for operators.</summary>
    [HttpGet("checkpoint")]
    [ProducesResponseType<CheckpointInfo>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status409Conflict)]
    public async Task<IActionResult> Checkpoint(CancellationToken cancellationToken) =>
        Ok(CheckpointInfo.From(await mediator.Send(new GetCheckpoint(), cancellationToken)));
}
