using FluentValidation;
using MediatR;
using Secrets.Application.Audit;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Secrets;

/// <summary>Hands a runtime the values for the arguments that a call of a tool did not receive.</summary>
/// <param name="UserId">See <see cref="IToolCallRequest.UserId"/>.</param>
/// <param name="ToolName">See <see cref="ToolCall.ToolName"/>.</param>
/// <param name="ToolArgs">See <see cref="ToolCall.Arguments"/>.</param>
/// <param name="References">See <see cref="ToolCall.References"/>.</param>
/// <param name="OrganizationId">See <see cref="IToolCallRequest.OrganizationId"/>.</param>
/// <param name="Workspace">See <see cref="ToolCall.Workspace"/>.</param>
[RequiresScope(Scopes.SecretsResolve)]
[AuditedAs(AuditAction.SecretResolve)]
public sealed record ResolveSecrets(
    Guid? UserId,
    string? ToolName,
    IReadOnlyList<string>? ToolArgs,
    IReadOnlyDictionary<string, string>? References,
    string? OrganizationId,
    string? Workspace) : IRequest<ResolvedSecrets>, IToolCallRequest;

/// <summary>The answer to <see cref="ResolveSecrets"/>: each argument is in one of the lists.</summary>
/// <param name="Values">The arguments that are filled.</param>
/// <param name="Missing">The selections without a winner.</param>
/// <param name="Receipt">Where the audit says that the values were handed out; null: none was.</param>
public sealed record ResolvedSecrets(IReadOnlyList<ResolvedSecret> Values, IReadOnlyList<Selection> Missing, AuditReceipt? Receipt);

/// <summary>An argument that is filled.</summary>
/// <param name="Argument">The argument.</param>
/// <param name="Source">Where the secret was found.</param>
/// <param name="Secret">The secret that fills it.</param>
/// <param name="Value">The secret's value.</param>
public sealed record ResolvedSecret(string Argument, SelectionSource Source, Candidate Secret, SecretValue Value);

internal sealed class ResolveSecretsValidator : AbstractValidator<ResolveSecrets>
{
    public ResolveSecretsValidator() => this.ValidateToolCall();
}

internal sealed class ResolveSecretsHandler(IResolutionStore store, ISealer sealer, IAuditLog log, AuditTrail trail, Caller caller)
    : IRequestHandler<ResolveSecrets, ResolvedSecrets>
{
    public async Task<ResolvedSecrets> Handle(ResolveSecrets request, CancellationToken cancellationToken)
    {
        caller.RequireAllowed(request);
        var call = request.ToCall();
        var (user, organization) = await ReadAsync(request, call, cancellationToken);
        var values = new List<ResolvedSecret>();
        var missing = new List<Selection>();
        foreach (var selection in Selection.Of(call, user, organization))
        {
            if (selection.Winner is { } secret)
            {
                var value = await sealer.OpenAsync(secret.Placement, secret.Envelope, cancellationToken);
                values.Add(new ResolvedSecret(selection.Argument, selection.Source, secret, value));
            }
            else
            {
                missing.Add(selection);
            }
        }

        // No value leaves before it is durable that it does. Who hangs up meanwhile is in the audit and has nothing.
        var receipt = values.Count == 0
            ? null
            : await log.AppendAsync(values.ConvertAll(value => trail.Released(value.Secret.Placement, call.ToolName, value.Argument)), cancellationToken);
        return new ResolvedSecrets(values, missing, receipt);
    }

    private async Task<(OwnerCandidates User, OwnerCandidates Organization)> ReadAsync(
        ResolveSecrets request, ToolCall call, CancellationToken cancellationToken)
    {
        var user = store.ReadAsync(request.UserOf(caller), call, cancellationToken);
        if (request.OrganizationOf() is not { } organization)
        {
            return (await user, OwnerCandidates.None);
        }

        var both = await Task.WhenAll(user, store.ReadAsync(organization, call, cancellationToken));
        return (both[0], both[1]);
    }
}
