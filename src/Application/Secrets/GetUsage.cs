using Microsoft.Extensions.Options;
using Secrets.Application.Common;

namespace Secrets.Application.Secrets;

/// <summary>Reads an owner's use of the quota.</summary>
/// <param name="Owner">The owner.</param>
[RequiresScope(Scopes.SecretsRead)]
[AuditedAs(AuditAction.UsageGet)]
public sealed record GetUsage(OwnerSelector Owner) : IRequest<Usage>, INamesOwner;

/// <summary>The answer to <see cref="GetUsage"/>.</summary>
/// <param name="BytesUsed">UTF-8 bytes of all values.</param>
/// <param name="BytesQuota">The most bytes allowed.</param>
/// <param name="Secrets">Number of secrets.</param>
/// <param name="SecretsQuota">The most secrets allowed.</param>
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
