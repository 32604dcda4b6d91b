using AutoMapper;
using Secrets.Application.Audit;
using Secrets.Application.Common;

namespace Secrets.Application.ApiKeys;

/// <summary>Replaces a key with a new one. The old key still works during a grace period.</summary>
/// <param name="Id">The key to replace.</param>
/// <param name="GraceSeconds">The grace period; null: <see cref="ApiKey.DefaultGrace"/>.</param>
/// <param name="ExpiresAt">The expiry of the new key; null: the old key's expiry.</param>
[RequiresScope(Scopes.KeysManage)]
[AuditedAs(AuditAction.KeyRotate)]
public sealed record RotateApiKey(Guid Id, int? GraceSeconds, DateTimeOffset? ExpiresAt) : IRequest<CreatedApiKey>, INamesTarget
{
    Guid? INamesTarget.AuditedKeyId => Id;
}

internal sealed class RotateApiKeyValidator : AbstractValidator<RotateApiKey>
{
    public RotateApiKeyValidator(TimeProvider time)
    {
        RuleFor(request => request.GraceSeconds).Must(seconds => seconds is null or (>= 0 and <= ApiKey.MaxGraceSeconds))
            .WithErrorCode(Codes.BadValue).WithMessage($"Must be from 0 to {ApiKey.MaxGraceSeconds}.");
        RuleFor(request => request.ExpiresAt).InTheFuture(time);
    }
}

internal sealed class RotateApiKeyHandler(ISecretsDb db, ApiKeyPolicy maker, AuditTrail trail, TimeProvider time, IMapper mapper)
    : IRequestHandler<RotateApiKey, CreatedApiKey>
{
    public async Task<CreatedApiKey> Handle(RotateApiKey request, CancellationToken cancellationToken)
    {
        var text = ApiKeyText.Generate();
        var successor = await db.InOwnerTransactionAsync(maker.Caller.Owner, token => ReplaceAsync(request, text, token), cancellationToken);
        return new CreatedApiKey(mapper.Map<ApiKeyDetails>(successor), text, request.Id);
    }

    private async Task<ApiKey> ReplaceAsync(RotateApiKey request, string text, CancellationToken cancellationToken)
    {
        var now = time.Now();
        var key = await db.LockKeyAsync(maker.Caller, request.Id, maker.LockAsync, cancellationToken);
        maker.RequireAllowed(key.Scopes, key.UserId, key.OrganizationId);
        if (key.ReplacedBy is { } next)
        {
            throw new ConflictException($"The key was already replaced by {next}.");
        }

        if (!key.IsAccepted(now))
        {
            throw new ConflictException("The key has expired.");
        }

        var successor = key.Successor(Guid.CreateVersion7(now), text, maker.Caller.UserId, now, maker.EndOf(request.ExpiresAt ?? key.ExpiresAt), maker.MadeBy);
        var end = key.EndAfter(request.GraceSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : ApiKey.DefaultGrace, now);

        key.ReplaceBy(successor.Id, end);
        await db.AddKeyAsync(successor, now, cancellationToken);
        db.Record(trail.Success(AuditAction.KeyRotate, key));
        db.Record(trail.Success(AuditAction.KeyCreate, successor));
        return successor;
    }
}
