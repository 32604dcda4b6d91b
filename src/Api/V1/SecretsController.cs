using System.ComponentModel;
using MediatR;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Secrets.Api.Binding;
using Secrets.Api.Limits;
using Secrets.Api.OpenApi;
using Secrets.Application.Secrets;

namespace Secrets.Api.V1;

/// <summary>Secrets of the caller and of organisations, in the agent-secrets dialect (IO Intelligence).</summary>
[ApiController]
[Route("api/v1/secrets")]
[Route("v1/secrets")]
[Tags("Secrets")]
[ActsForUsers]
[IgnoresUnknownParameters]
public sealed class SecretsController(IMediator mediator) : ControllerBase
{
    /// <summary>Store a secret.</summary>
    [HttpPost]
    [ProducesResponseType<SecretInfo>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status404NotFound)]
    [ProducesResponseType<Error>(StatusCodes.Status409Conflict)]
    [ProducesResponseType<Error>(StatusCodes.Status413PayloadTooLarge)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> Create(
        [FromBody] CreateSecretBody body,
        [FromQuery(Name = "organization_id"), Description("An organisation that the caller administers. The secret is stored there, with an alias as its name.")]
        string? organizationId,
        CancellationToken cancellationToken) =>
        Tagged(await mediator.Send(body.ToCommand(OwnerSelector.OrganizationOrCaller(organizationId)), cancellationToken));

    /// <summary>List secrets of the caller or of an organisation, oldest first.</summary>
    [HttpGet]
    [LongList]
    [ProducesResponseType<SecretInfoList>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status404NotFound)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> List(
        [FromQuery, NumberLimit(1, Paging.MaxLimit), Description("The most secrets to return, 1 to 1000; all by default.")] int? limit,
        [FromQuery, Description("The `next_cursor` of the previous page.")] string? cursor,
        [FromQuery(Name = "tool_name"), Description("Only secrets that are bound to this tool, by name or pattern.")] string? toolName,
        [FromQuery(Name = "secret_name"), Description("Only the secret with this name.")] string? secretName,
        [FromQuery(Name = "organization_id"), Description("List the secrets of this organisation. Members who are not admins must also name one of their workspaces.")]
        string? organizationId,
        [FromQuery, Description("Only secrets that this workspace may use.")] string? workspace,
        CancellationToken cancellationToken) =>
        Ok(SecretInfoList.From(await mediator.Send(
            new ListSecrets(OwnerSelector.OrganizationOrCaller(organizationId), limit, cursor, toolName, secretName, workspace), cancellationToken)));

    /// <summary>Get a secret, without its value.</summary>
    [HttpGet("{secret_id}")]
    [ProducesResponseType<SecretInfo>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status404NotFound)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> Get(
        [FromRoute(Name = "secret_id"), Description("The secret's id.")] Guid secretId, CancellationToken cancellationToken) =>
        Tagged(await mediator.Send(new GetSecret(secretId), cancellationToken));

    /// <summary>Change a secret. Omitted members do not change. Without a body, nothing changes.</summary>
    [HttpPatch("{secret_id}")]
    [TakesIfMatch]
    [ProducesResponseType<SecretInfo>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status404NotFound)]
    [ProducesResponseType<Error>(StatusCodes.Status409Conflict)]
    [ProducesResponseType<Error>(StatusCodes.Status412PreconditionFailed)]
    [ProducesResponseType<Error>(StatusCodes.Status413PayloadTooLarge)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> Update(
        [FromRoute(Name = "secret_id"), Description("The secret's id.")] Guid secretId,
        [FromBody(EmptyBodyBehavior = EmptyBodyBehavior.Allow)] UpdateSecretBody? body,
        CancellationToken cancellationToken) =>
        Tagged(await mediator.Send((body ?? new()).ToCommand(secretId, Request.IfMatchVersions()), cancellationToken));

    /// <summary>Delete a secret permanently, effective immediately.</summary>
    [HttpDelete("{secret_id}")]
    [TakesIfMatch]
    [ProducesResponseType<Empty>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status404NotFound)]
    [ProducesResponseType<Error>(StatusCodes.Status412PreconditionFailed)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> Delete(
        [FromRoute(Name = "secret_id"), Description("The secret's id.")] Guid secretId, CancellationToken cancellationToken)
    {
        await mediator.Send(new DeleteSecret(SecretSelector.ById(secretId), Request.IfMatchVersions()), cancellationToken);
        return Ok(new Empty());
    }

    private static TaggedResult Tagged(SecretDetails secret) => new(SecretInfo.From(secret), secret.Version);

    private static TaggedResult Tagged(SecretWithWarnings stored) => new(SecretInfo.From(stored), stored.Secret.Version);
}
