using System.Buffers;
using System.Linq.Expressions;
using Secrets.Application.Audit;
using Secrets.Application.Common;
using Secrets.Application.Secrets;
using Secrets.Domain.Resolution;

namespace Secrets.Application.Resolution;

/// <summary>Gives a runtime the values for the missing arguments of a tool call.</summary>
/// <param name="UserId">The user whom the call is for; null: no user, only the organisation's secrets. Omitted if <see cref="User"/> is given.</param>
/// <param name="ToolName">See <see cref="ToolCall.ToolName"/>.</param>
/// <param name="ToolArgs">See <see cref="ToolCall.Arguments"/>.</param>
/// <param name="References">See <see cref="ToolCall.References"/>.</param>
/// <param name="OrganizationId">See <see cref="IToolCallRequest.OrganizationId"/>.</param>
/// <param name="Workspace">See <see cref="ToolCall.Workspace"/>.</param>
/// <param name="Context">The runtime's description of the call.</param>
[RequiresScope(Scopes.SecretsResolve)]
[ConfirmsCaller]
[AuditedAs(AuditAction.SecretResolve)]
public sealed record ResolveSecrets(
    Optional<Guid?> UserId,
    string? ToolName,
    IReadOnlyList<string>? ToolArgs,
    IReadOnlyDictionary<string, string>? References,
    string? OrganizationId,
    string? Workspace,
    CallContext? Context = null) : IRequest<ResolvedSecrets>, IToolCallRequest
{
    /// <inheritdoc />
    public string? User { get; init; }
}

/// <summary>The answer to <see cref="ResolveSecrets"/>. Each argument is in one of the two lists.</summary>
/// <param name="Values">The arguments that are filled.</param>
/// <param name="Missing">The selections without a winner.</param>
/// <param name="Receipt">The audit receipt of the values; null: no value.</param>
public sealed record ResolvedSecrets(IReadOnlyList<ResolvedSecret> Values, IReadOnlyList<Selection> Missing, AuditReceipt? Receipt) : IDisposable
{
    /// <summary>Clears the values.</summary>
    public void Dispose()
    {
        foreach (var value in Values)
        {
            value.Value.Dispose();
        }
    }
}

/// <summary>An argument that is filled.</summary>
/// <param name="Argument">The argument.</param>
/// <param name="Source">How the secret was chosen.</param>
/// <param name="Secret">The secret that fills it.</param>
/// <param name="Value">The secret's value.</param>
public sealed record ResolvedSecret(string Argument, SelectionSource Source, Placement Secret, SecretValue Value);

internal sealed class ResolveSecretsValidator : AbstractValidator<ResolveSecrets>
{
    private static readonly SearchValues<char> Plain = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/ -");

    public ResolveSecretsValidator()
    {
        this.ValidateToolCall();
        RuleFor(request => request.UserId).Must(user => user.IsGiven).When(request => request.User is null)
            .WithErrorCode(Codes.Missing).WithMessage("Is required.");
        RuleFor(request => request.Context!).ChildRules(context =>
        {
            foreach (var member in (Expression<Func<CallContext, string?>>[])[call => call.AgentId, call => call.RunId, call => call.ToolCallId])
            {
                context.RuleFor(member).Must(IsPlain)
                    .WithErrorCode(Codes.BadValue).WithMessage($"Must be 1 to {CallContext.MaxLength} ASCII letters, digits, blanks or any of . _ : / -");
            }
        });
    }

    private static bool IsPlain(string? text) => text is null || (text.Length is > 0 and <= CallContext.MaxLength && !text.AsSpan().ContainsAnyExcept(Plain));
}

internal sealed class ResolveSecretsHandler(IResolutionStore store, ISealer sealer, IAuditLog log, AuditTrail trail, ToolCallAccess access)
    : IRequestHandler<ResolveSecrets, ResolvedSecrets>
{
    private const int MaxBytes = TooManyValuesException.MaxMegabytes * 1024 * 1024;

    private static readonly FoundCandidates NoCandidates = new(OwnerCandidates.None, Precondition: null);

    public async Task<ResolvedSecrets> Handle(ResolveSecrets request, CancellationToken cancellationToken)
    {
        var start = ResolveMetrics.Start();
        try
        {
            var user = await access.UserOfAsync(request, cancellationToken);
            var call = request.ToCall();

            // The second attempt reads the database, so it has no preconditions that could be stale.
            var answer = await TryAsync(request, user, call, mayUseCache: true, cancellationToken)
                ?? await TryAsync(request, user, call, mayUseCache: false, cancellationToken)
                ?? throw new UnavailableException();
            ResolveMetrics.Answered(start, answer);
            return answer;
        }
        catch (Exception exception)
        {
            ResolveMetrics.Failed(start, exception);
            throw;
        }
    }

    /// <summary>Null: cached data was stale, so nothing was released.</summary>
    private async Task<ResolvedSecrets?> TryAsync(ResolveSecrets request, SecretOwner? asked, ToolCall call, bool mayUseCache, CancellationToken cancellationToken)
    {
        var (user, organization) = await FindAsync(asked, request.OrganizationOf(), call, mayUseCache, cancellationToken);
        var preconditions = new Preconditions(PreconditionsOf(user, organization), access.Caller.CachedKey);
        var values = new List<ResolvedSecret>();
        var missing = new List<Selection>();
        var isReleased = false;
        try
        {
            var bytes = 0;
            foreach (var selection in Selection.ForCall(call, user.Candidates, organization.Candidates))
            {
                if (selection.Winner is { } secret)
                {
                    // The cached secrets may be stale. The next attempt reads them.
                    if ((bytes += secret.Envelope.Length) > MaxBytes)
                    {
                        return preconditions.Owners.Count > 0 ? null : throw new TooManyValuesException();
                    }

                    var value = await sealer.OpenAsync(secret.Placement, secret.Envelope, cancellationToken);
                    values.Add(new ResolvedSecret(selection.Argument, selection.Source, secret.Placement, value));
                }
                else
                {
                    missing.Add(selection);
                }
            }

            // Answer only after the audit rows are durable and cached data is confirmed, even if no value was found. A caller who disconnects meanwhile
            // is in the audit without having received the values.
            var released = values.ConvertAll(value => trail.Released(value.Secret, call.ToolName, value.Argument, request.Context));
            var outcome = await log.AppendAsync(released, preconditions, cancellationToken);
            isReleased = outcome.PreconditionsHold;
            return isReleased ? new ResolvedSecrets(values, missing, outcome.Receipt) : null;
        }
        catch (BrokenSealException) when (preconditions.Owners.Count > 0)
        {
            // The cached envelope may be stale: its data key may have been replaced since.
            return null;
        }
        finally
        {
            if (!isReleased)
            {
                values.ForEach(value => value.Value.Dispose());
            }
        }
    }

    private async ValueTask<(FoundCandidates User, FoundCandidates Organization)> FindAsync(
        SecretOwner? user, SecretOwner? organization, ToolCall call, bool mayUseCache, CancellationToken cancellationToken)
    {
        var ofUser = FindAsync(user);
        if (organization is null)
        {
            return (await ofUser, NoCandidates);
        }

        var both = await Task.WhenAll(ofUser.AsTask(), FindAsync(organization).AsTask());
        return (both[0], both[1]);

        ValueTask<FoundCandidates> FindAsync(SecretOwner? owner) =>
            owner is { } known ? store.FindAsync(known, call, mayUseCache, cancellationToken) : ValueTask.FromResult(NoCandidates);
    }

    private static OwnerStamp[] PreconditionsOf(FoundCandidates user, FoundCandidates organization) => (user.Precondition, organization.Precondition) switch
    {
        ({ } one, { } other) => [one, other],
        ({ } one, null) => [one],
        (null, { } other) => [other],
        _ => [],
    };
}
