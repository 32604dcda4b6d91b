using System.ComponentModel;
using MediatR;
using Secrets.Api.Binding;
using Secrets.Api.Limits;
using Secrets.Application.Secrets;

namespace Secrets.Api.AiHub;

/// <summary>Secrets of organisations, in the vault dialect (Instabase AI Hub).</summary>
[ApiController]
[Route("api/v2/aihub/secrets")]
[Tags("Organisation vault")]
[IgnoresUnknownParameters]
public sealed class AiHubSecretsController(IMediator mediator) : ControllerBase
{
    /// <summary>The header that names the organisation.</summary>
    internal const string Context = "IB-Context";

    private const string ContextMeaning = "The organisation. Optional for callers who belong to only one.";

    /// <summary>Store a secret of an organisation. For its admins.</summary>
    [HttpPost]
    [ProducesResponseType<Nothing>(StatusCodes.Status200OK)]
    [ProducesResponseType<Refusal>(StatusCodes.Status400BadRequest)]
    [ProducesResponseType<Refusal>(StatusCodes.Status403Forbidden, Description = "A quota of the organisation would be exceeded.")]
    [ProducesResponseType<Refusal>(StatusCodes.Status409Conflict)]
    public async Task<IActionResult> Create(
        [FromHeader(Name = Context), Description(ContextMeaning)] string? context,
        [FromBody] CreateAliasBody body,
        CancellationToken cancellationToken)
    {
        await mediator.Send(body.ToCommand(OwnerSelector.Organization(context)), cancellationToken);
        return Ok(new Nothing());
    }

    /// <summary>List secrets of an organisation, oldest first. Admins list all of them, members those of one of their workspaces.</summary>
    [HttpGet]
    [LongList]
    [ProducesResponseType<AliasList>(StatusCodes.Status200OK)]
    [ProducesResponseType<Refusal>(StatusCodes.Status400BadRequest)]
    public async Task<IActionResult> List(
        [FromHeader(Name = Context), Description(ContextMeaning)] string? context,
        [FromQuery, Description("Only secrets that this workspace may use.")] string? workspace,
        [FromQuery, Description("Only the secret with this alias.")] string? alias,
        CancellationToken cancellationToken) =>
        Ok(AliasList.From(await mediator.Send(
            new ListSecrets(OwnerSelector.Organization(context), Limit: null, Cursor: null, ToolName: null, alias, workspace), cancellationToken)));

    /// <summary>Change a secret of an organisation. Omitted members do not change. For its admins.</summary>
    [HttpPatch]
    [ProducesResponseType<Nothing>(StatusCodes.Status200OK)]
    [ProducesResponseType<Refusal>(StatusCodes.Status400BadRequest)]
    [ProducesResponseType<Refusal>(StatusCodes.Status403Forbidden, Description = "A quota of the organisation would be exceeded.")]
    [ProducesResponseType<Refusal>(StatusCodes.Status404NotFound)]
    [ProducesResponseType<Refusal>(StatusCodes.Status409Conflict)]
    public async Task<IActionResult> Update(
        [FromHeader(Name = Context), Description(ContextMeaning)] string? context,
        [FromBody] UpdateAliasBody body,
        CancellationToken cancellationToken)
    {
        await mediator.Send(body.ToCommand(OwnerSelector.Organization(context)), cancellationToken);
        return Ok(new Nothing());
    }

    /// <summary>Delete a secret of an organisation permanently, effective immediately. For its admins.</summary>
    [HttpDelete]
    [ProducesResponseType<Nothing>(StatusCodes.Status200OK)]
    [ProducesResponseType<Refusal>(StatusCodes.Status400BadRequest)]
    [ProducesResponseType<Refusal>(StatusCodes.Status404NotFound)]
    public async Task<IActionResult> Delete(
        [FromHeader(Name = Context), Description(ContextMeaning)] string? context,
        [FromBody] DeleteAliasBody body,
        CancellationToken cancellationToken)
    {
        await mediator.Send(body.ToCommand(OwnerSelector.Organization(context)), cancellationToken);
        return Ok(new Nothing());
    }
}
