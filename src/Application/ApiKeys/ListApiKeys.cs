using AutoMapper;
using AutoMapper.QueryableExtensions;
using Secrets.Application.Common;

namespace Secrets.Application.ApiKeys;

/// <summary>Lists the keys that the caller may manage, oldest first.</summary>
[RequiresScope(Scopes.KeysManage)]
[AuditedAs(AuditAction.KeyList)]
public sealed record ListApiKeys(int? Limit, string? Cursor) : IRequest<Page<ApiKeyDetails>>, IPaged;

internal sealed class ListApiKeysValidator : AbstractValidator<ListApiKeys>
{
    public ListApiKeysValidator() => this.ValidatePage();
}

internal sealed class ListApiKeysHandler(ISecretsDb db, Caller caller, IMapper mapper)
    : IRequestHandler<ListApiKeys, Page<ApiKeyDetails>>
{
    public Task<Page<ApiKeyDetails>> Handle(ListApiKeys request, CancellationToken cancellationToken) =>
        db.ApiKeys.VisibleTo(caller).InOrder(request).TakePage(request)
            .ProjectTo<ApiKeyDetails>(mapper.ConfigurationProvider)
            .AsAsyncEnumerable()
            .ToPageAsync(request, cancellationToken);
}
