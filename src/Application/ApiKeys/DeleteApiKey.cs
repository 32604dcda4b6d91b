using MediatR;
using Microsoft.EntityFrameworkCore;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;

namespace Secrets.Application.ApiKeys;

/// <summary>Revokes a key at once and for good.</summary>
[RequiresScope(Scopes.KeysManage)]
public sealed record DeleteApiKey(Guid Id) : IRequest<Unit>;

internal sealed class DeleteApiKeyHandler(ISecretsDb db, Caller caller) : IRequestHandler<DeleteApiKey, Unit>
{
    public async Task<Unit> Handle(DeleteApiKey request, CancellationToken cancellationToken)
    {
        var deleted = await db.ApiKeys.VisibleTo(caller).Where(key => key.Id == request.Id).ExecuteDeleteAsync(cancellationToken);
        return deleted == 1 ? Unit.Value : throw new NotFoundException();
    }
}
