using AutoMapper;
using AutoMapper.QueryableExtensions;
using Secrets.Application.Common;

namespace Secrets.Application.Secrets;

/// <summary>Reads one secret without its value.</summary>
[RequiresScope(Scopes.SecretsRead)]
[AuditedAs(AuditAction.SecretGet)]
public sealed record GetSecret(Guid SecretId) : IRequest<SecretDetails>, INamesTarget
{
    Guid? INamesTarget.AuditedSecretId => SecretId;
}

internal sealed class GetSecretHandler(ISecretsDb db, Caller caller, IMapper mapper) : IRequestHandler<GetSecret, SecretDetails>
{
    public async Task<SecretDetails> Handle(GetSecret request, CancellationToken cancellationToken) =>
        await db.Secrets.VisibleTo(caller)
            .Where(secret => secret.Id == request.SecretId)
            .ProjectTo<SecretDetails>(mapper.ConfigurationProvider)
            .SingleOrDefaultAsync(cancellationToken)
        ?? throw new NotFoundException();
}
