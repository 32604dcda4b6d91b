using AutoMapper;
using AutoMapper.QueryableExtensions;
using MediatR;
using Microsoft.EntityFrameworkCore;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;

namespace Secrets.Application.Secrets;

/// <summary>Looks at one secret of the caller.</summary>
[RequiresScope(Scopes.SecretsRead)]
public sealed record GetSecret(Guid SecretId) : IRequest<SecretDetails>;

internal sealed class GetSecretHandler(ISecretsDb db, Caller caller, IMapper mapper) : IRequestHandler<GetSecret, SecretDetails>
{
    public async Task<SecretDetails> Handle(GetSecret request, CancellationToken cancellationToken) =>
        await db.Secrets.VisibleTo(caller)
            .Where(secret => secret.Id == request.SecretId)
            .ProjectTo<SecretDetails>(mapper.ConfigurationProvider)
            .SingleOrDefaultAsync(cancellationToken)
        ?? throw new NotFoundException();
}
