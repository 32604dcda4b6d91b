using MediatR;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;

namespace Secrets.Application.Secrets;

/// <summary>What an owner's secrets take of the quota.</summary>
/// <param name="Owner">Whose.</param>
[RequiresScope(Scopes.SecretsRead)]
[AuditedAs(AuditAction.UsageGet)]
public sealed record GetUsage(OwnerSelector Owner) : IRequest<Usage>, INamesOwner;

/// <summary>The answer to <see cref="GetUsage"/>.</summary>
/// <param name="BytesUsed">UTF-8 bytes of all values.</param>
/// <param name="BytesQuota">What they may come to.</param>
/// <param name="Secrets">How many secrets there are.</param>
/// <param name="SecretsQuota">How many there may be.</param>
public sealed record Usage(long BytesUsed, long BytesQuota, int Secrets, int SecretsQuota);

internal sealed class GetUsageHandler(ISecretsDb db, Caller caller, IOptions<QuotaOptions> quota) : IRequestHandler<GetUsage, Usage>
{
    public async Task<Usage> Handle(GetUsage request, CancellationToken cancellationToken)
    {
        var owner = caller.OwnerOf(request.Owner);
        caller.RequireUsageReader(owner);
        var account = await db.Owners.AsNoTracking().OwnedBy(owner).SingleOrDefaultAsync(cancellationToken);
        return new Usage(account?.BytesUsed ?? 0, quota.Value.BytesPerOwner, account?.Secrets ?? 0, quota.Value.SecretsPerOwner);
    }
}
