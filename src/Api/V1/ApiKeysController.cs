using System.ComponentModel;
using MediatR;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Secrets.Api.Limits;
using Secrets.Api.OpenApi;
using Secrets.Application.ApiKeys;

namespace Secrets.Api.V1;

/// <summary>API keys of the caller and of organisations that the caller administers. Operators manage all keys.</summary>
[ApiController]
[Route("api/v1/api-keys")]
[Tags("API keys")]
public sealed class ApiKeysController(IMediator mediator) : ControllerBase
{
    /// <summary>Make an API key. The answer contains the key; it is not shown again.</summary>
    [HttpPost]
    [ProducesResponseType<ApiKeyInfo>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status403Forbidden)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> Create([FromBody] CreateApiKeyBody body, CancellationToken cancellationToken) =>
        Ok(ApiKeyInfo.From(await mediator.Send(body.ToCommand(), cancellationToken)));

    /// <summary>List API keys, oldest first.</summary>
    [HttpGet]
    [LongList]
    [ProducesResponseType<ApiKeyInfoList>(StatusCodes.Status200OK)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> List(
        [FromQuery, NumberLimit(1, Paging.MaxLimit), Description("The most keys to return, 1 to 1000; all by default.")] int? limit,
        [FromQuery, Description("The `next_cursor` of the previous page.")] string? cursor,
        CancellationToken cancellationToken) =>
        Ok(ApiKeyInfoList.From(await mediator.Send(new ListApiKeys(limit, cursor), cancellationToken)));

    /// <summary>
    /// Replace an API key with a new one that has the same rights. The answer contains the new key; it is not shown again. The old key works for
    /// `grace_seconds` more. A key can be replaced once, by callers who may make such a key.
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

    /// <summary>
    /// Revoke an API key, effective immediately. With `cascade`, also revoke every key made with it, transitively. If the caller may not revoke one of
    /// them, no key is revoked.
    /// </summary>
    [HttpDelete("{id}")]
    [ProducesResponseType<RevokedKeys>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status403Forbidden)]
    [ProducesResponseType<Error>(StatusCodes.Status404NotFound)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> Delete(
        [FromRoute, Description("The key's id.")] Guid id,
        [FromQuery, Description("Whether to revoke the keys made with it too; `false` by default.")] bool? cascade,
        CancellationToken cancellationToken)
    {
        var revoked = await mediator.Send(new DeleteApiKey(id, cascade ?? false), cancellationToken);
        return Ok(new RevokedKeys { Revoked = cascade == true ? revoked : null });
    }
}
