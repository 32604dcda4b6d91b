using System.ComponentModel;
using MediatR;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Secrets.Api.Limits;
using Secrets.Api.OpenApi;
using Secrets.Application.ApiKeys;
using Secrets.Application.Common;

namespace Secrets.Api.V1;

/// <summary>API keys of the caller, of organisations that the caller administers, or for an operator all.</summary>
[ApiController]
[Route("api/v1/api-keys")]
[Tags("API keys")]
public sealed class ApiKeysController(IMediator mediator) : ControllerBase
{
    /// <summary>Make a key. The answer shows it, this once.</summary>
    [HttpPost]
    [ProducesResponseType<ApiKeyInfo>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status403Forbidden)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> Create([FromBody] CreateApiKeyBody body, CancellationToken cancellationToken) =>
        Ok(ApiKeyInfo.From(await mediator.Send(body.ToCommand(), cancellationToken)));

    /// <summary>List keys, oldest first.</summary>
    [HttpGet]
    [LongAnswer]
    [ProducesResponseType<ApiKeyInfoList>(StatusCodes.Status200OK)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> List(
        [FromQuery, NumberLimit(1, Paging.MaxLimit), Description("Keys to answer at most, 1 to 1000; all of them when left out.")] int? limit,
        [FromQuery, Description("The `next_cursor` of the page before.")] string? cursor,
        CancellationToken cancellationToken) =>
        Ok(ApiKeyInfoList.From(await mediator.Send(new ListApiKeys(limit, cursor), cancellationToken)));

    /// <summary>
    /// Replace a key by a new one that may do the same, shown this once. The old one goes on working for `grace_seconds`. A key is replaced
    /// once, and only by who may make such a key.
    /// </summary>
    [HttpPost("{id}/rotate")]
    [ProducesResponseType<ApiKeyInfo>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status403Forbidden)]
    [ProducesResponseType<Error>(StatusCodes.Status404NotFound)]
    [ProducesResponseType<Error>(StatusCodes.Status409Conflict)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> Rotate(
        [FromRoute, Description("The key's id.")] Guid id,
        [FromBody(EmptyBodyBehavior = EmptyBodyBehavior.Allow)] RotateApiKeyBody? body,
        CancellationToken cancellationToken) =>
        Ok(ApiKeyInfo.From(await mediator.Send((body ?? new()).ToCommand(id), cancellationToken)));

    /// <summary>Revoke a key, at once; with `cascade` also every key that was made with it, with those, and so on, or none if one of them is not the caller's to revoke.</summary>
    [HttpDelete("{id}")]
    [ProducesResponseType<RevokedKeys>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status403Forbidden)]
    [ProducesResponseType<Error>(StatusCodes.Status404NotFound)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> Delete(
        [FromRoute, Description("The key's id.")] Guid id,
        [FromQuery, Description("Whether to revoke what was made with it too; not when left out.")] bool? cascade,
        CancellationToken cancellationToken)
    {
        var revoked = await mediator.Send(new DeleteApiKey(id, cascade ?? false), cancellationToken);
        return Ok(new RevokedKeys { Revoked = cascade == true ? revoked : null });
    }
}
