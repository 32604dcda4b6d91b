using AutoMapper;
using AutoMapper.QueryableExtensions;
using FluentValidation;
using MediatR;
using Microsoft.EntityFrameworkCore;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Secrets;

/// <summary>Lists the caller's secrets, oldest first.</summary>
/// <param name="Limit">See <see cref="IPaged.Limit"/>.</param>
/// <param name="Cursor">See <see cref="IPaged.Cursor"/>.</param>
/// <param name="ToolName">Only secrets whose pattern matches this tool; unbound secrets are left out.</param>
/// <param name="SecretName">Only the secret of this name.</param>
[RequiresScope(Scopes.SecretsRead)]
[AuditedAs(AuditAction.SecretList)]
public sealed record ListSecrets(int? Limit, string? Cursor, string? ToolName, string? SecretName)
    : IRequest<Page<SecretDetails>>, IPaged;

internal sealed class ListSecretsValidator : AbstractValidator<ListSecrets>
{
    public ListSecretsValidator()
    {
        this.ValidatePage();
        RuleFor(request => request.ToolName).Text(ToolPattern.Length);
        RuleFor(request => request.SecretName).Text(Secret.NameLength);
    }
}

internal sealed class ListSecretsHandler(ISecretsDb db, Caller caller, IMapper mapper)
    : IRequestHandler<ListSecrets, Page<SecretDetails>>
{
    public Task<Page<SecretDetails>> Handle(ListSecrets request, CancellationToken cancellationToken)
    {
        var secrets = db.Secrets.VisibleTo(caller);
        if (request.SecretName is { } name)
        {
            var key = Secret.KeyOf(name);
            secrets = secrets.Where(secret => secret.NameKey == key);
        }

        if (request.ToolName is not null)
        {
            secrets = secrets.Where(secret => secret.ToolName != null);
        }

        var ordered = secrets.InOrder(request);
        return (request.ToolName is null ? ordered.TakePage(request) : ordered)
            .ProjectTo<SecretDetails>(mapper.ConfigurationProvider)
            .AsAsyncEnumerable()
            .ToPageAsync(request, secret => Admits(secret, request.ToolName), cancellationToken);
    }

    // Matching is done here and not in LIKE, where `_` is a wildcard and case depends on the database.
    private static bool Admits(SecretDetails secret, string? toolName) =>
        toolName is null || new ToolPattern(secret.ToolName!).Matches(toolName);
}
