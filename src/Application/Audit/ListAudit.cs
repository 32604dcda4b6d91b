using Microsoft.Extensions.Logging;
using Secrets.Application.Common;

namespace Secrets.Application.Audit;

/// <summary>Reads the audit, newest first.</summary>
/// <param name="Limit">The most rows of a page, 1 to 1000; null: <see cref="DefaultLimit"/>, because an audit only grows.</param>
/// <param name="Cursor">See <see cref="IPaged.Cursor"/>.</param>
/// <param name="SecretId">Only rows about this secret.</param>
/// <param name="Actor">Only actions of this user.</param>
/// <param name="Action">Only this action, by name.</param>
/// <param name="Outcome">Only this outcome, by name.</param>
/// <param name="From">Only rows at or after this moment, in RFC 3339.</param>
/// <param name="To">Only rows before this moment, in RFC 3339.</param>
[RequiresScope(Scopes.AuditRead)]
[AuditedAs(AuditAction.AuditList)]
public sealed record ListAudit(
    int? Limit, string? Cursor, Guid? SecretId, Guid? Actor, string? Action, string? Outcome, string? From, string? To)
    : IRequest<Page<AuditEntry>>, IPaged
{
    /// <summary>Rows of a page without a limit in the request.</summary>
    public const int DefaultLimit = 100;

    int? IPaged.Limit => Limit ?? DefaultLimit;
}

internal sealed class ListAuditValidator : AbstractValidator<ListAudit>
{
    public ListAuditValidator()
    {
        this.ValidatePage(cursor => AuditCursor.Parse(cursor) is not null);
        RuleFor(request => request.Action).Must(name => name is null || AuditNames.ParseAction(name) is not null)
            .WithErrorCode(Codes.BadValue).WithMessage($"Must be one of {string.Join(", ", AuditNames.Actions)}.");
        RuleFor(request => request.Outcome).Must(name => name is null || AuditNames.ParseOutcome(name) is not null)
            .WithErrorCode(Codes.BadValue).WithMessage("Must be success or denied.");
        RuleFor(request => request.From).Moment();
        RuleFor(request => request.To).Moment();
    }
}

internal sealed partial class ListAuditHandler(ISecretsDb db, Caller caller, ILogger<ListAuditHandler> logger) : IRequestHandler<ListAudit, Page<AuditEntry>>
{
    public async Task<Page<AuditEntry>> Handle(ListAudit request, CancellationToken cancellationToken)
    {
        try
        {
            return await Matching(request).NewestFirst(AuditCursor.Parse(request.Cursor)).TakePage(request)
                .AsNoTracking()
                .AsAsyncEnumerable()
                .ToPageAsync(request, row => new AuditCursor(row).ToString(), cancellationToken);
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception))
        {
            // Fail rather than skip the row: skipping would hide a manipulated row.
            Unreadable(exception.GetType().Name);
            throw new UnreadableAuditException();
        }
    }

    private IQueryable<AuditEntry> Matching(ListAudit request)
    {
        var rows = db.Audit.VisibleTo(caller);
        if (request.SecretId is { } secret)
        {
            rows = rows.Where(row => row.SecretId == secret);
        }

        if (request.Actor is { } actor)
        {
            rows = rows.Where(row => row.Actor == actor);
        }

        if (request.Action is { } name && AuditNames.ParseAction(name) is { } action)
        {
            rows = rows.Where(row => row.Action == action);
        }

        if (request.Outcome is { } result && AuditNames.ParseOutcome(result) is { } outcome)
        {
            rows = rows.Where(row => row.Outcome == outcome);
        }

        if (Moments.Parse(request.From) is { } from)
        {
            rows = rows.Where(row => row.At >= from);
        }

        return Moments.Parse(request.To) is { } to ? rows.Where(row => row.At < to) : rows;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A row of the audit was changed outside the service and cannot be parsed: {Failure}")]
    private partial void Unreadable(string failure);
}
