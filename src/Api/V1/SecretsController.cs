using System.ComponentModel;
using MediatR;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Secrets.Api.Binding;
using Secrets.Api.Limits;
using Secrets.Api.OpenApi;
using Secrets.Application.Common;
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
        [FromQuery(Name = "organization_id"), Description("An organisation that one administers, to store it there; the name is an alias then.")]
        string? organizationId,
        CancellationToken cancellationToken) =>
        Tagged(await mediator.Send(body.ToCommand(OwnerSelector.OrganizationOrCaller(organizationId)), cancellationToken));

    /// <summary>List one's secrets or an organisation's, oldest first.</summary>
    [HttpGet]
    [LongAnswer]
    [ProducesResponseType<SecretInfoList>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status404NotFound)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> List(
        [FromQuery, NumberLimit(1, Paging.MaxLimit), Description("Secrets to answer at most, 1 to 1000; all of them when left out.")] int? limit,
        [FromQuery, Description("The `next_cursor` of the page before.")] string? cursor,
        [FromQuery(Name = "tool_name"), Description("Only secrets bound to this tool, by name or pattern.")] string? toolName,
        [FromQuery(Name = "secret_name"), Description("Only the secret of this name.")] string? secretName,
        [FromQuery(Name = "organization_id"), Description("List an organisation's; members who are no admins name one of their workspaces too.")]
        string? organizationId,
        [FromQuery, Description("Only secrets that may be used in this workspace.")] string? workspace,
        CancellationToken cancellationToken) =>
        Ok(SecretInfoList.From(await mediator.Send(
            new ListSecrets(OwnerSelector.OrganizationOrCaller(organizationId), limit, cursor, toolName, secretName, workspace), cancellationToken)));

    /// <summary>Look at a secret.</summary>
    [HttpGet("{secret_id}")]
    [ProducesResponseType<SecretInfo>(StatusCodes.Status200OK)]
    [ProducesResponseType<Error>(StatusCodes.Status404NotFound)]
    [ProducesResponseType<InvalidRequestError>(StatusCodes.Status422UnprocessableEntity)]
    public async Task<IActionResult> Get(
        [FromRoute(Name = "secret_id"), Description("The secret's id.")] Guid secretId, CancellationToken cancellationToken) =>
        Tagged(await mediator.Send(new GetSecret(secretId), cancellationToken));

    /// <summary>Change a secret. What is left out stays as it is; without a body nothing changes.</summary>
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

    /// <summary>Delete a secret for good, at once.</summary>
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
