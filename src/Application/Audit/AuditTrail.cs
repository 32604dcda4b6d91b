using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Audit;

/// <summary>Puts what happens in a request into the words of the audit: who, when and from where are the same for all of it.</summary>
internal sealed class AuditTrail(Caller caller, RequestOrigin origin, TimeProvider time)
{
    /// <summary>Something was done with a secret.</summary>
    public AuditEvent Success(AuditAction action, Secret secret) => EventFor(action, AuditOutcome.Success) with
    {
        Owner = secret.Owner,
        SecretId = secret.Id,
        SecretVersion = secret.Version,
        ToolName = secret.ToolName,
        ToolArg = secret.ToolArg,
    };

    /// <summary>A value is handed out for an argument of a tool call.</summary>
    public AuditEvent Released(Placement secret, string toolName, string toolArg, CallContext? context) => EventFor(AuditAction.SecretResolve, AuditOutcome.Success) with
    {
        Owner = secret.Owner,
        SecretId = secret.SecretId,
        SecretVersion = secret.Version,
        ToolName = toolName,
        ToolArg = toolArg,
        Context = context,
    };

    /// <summary>Something was done with an API key.</summary>
    public AuditEvent Success(AuditAction action, ApiKey key) => EventFor(action, AuditOutcome.Success) with
    {
        Owner = key.OrganizationId is { } id ? new SecretOwner(OwnerKind.Organization, id) : SecretOwner.User(key.UserId),
        TargetKeyId = key.Id,
        TargetKeyUserId = key.UserId,
    };

    /// <summary>Something was done that is about no single owner.</summary>
    public AuditEvent Success(AuditAction action) => EventFor(action, AuditOutcome.Success);

    /// <summary>
    /// Something was refused. A caller who is not of an organisation leaves no row in that organisation's part of the audit. A caller without the scope
    /// <c>users:act</c> leaves none in the part of the user whom it named.
    /// </summary>
    public AuditEvent Denial(AuditAction action, INamesOne? one, INamesOwner? owned) => EventFor(action, AuditOutcome.Denied) with
    {
        Owner = owned?.Owner is { Kind: OwnerKind.Organization } organization ? organization.Find(caller)
            : caller.ActsFor is not null && caller.Has(Scopes.UsersAct) ? caller.Owner
            : null,
        SecretId = one?.AuditedSecretId,
        TargetKeyId = one?.AuditedKeyId,
    };

    private AuditEvent EventFor(AuditAction action, AuditOutcome outcome) => new()
    {
        At = time.GetUtcNow(),
        Actor = caller.UserId,
        By = caller.Credential,
        Action = action,
        Outcome = outcome,
        Address = origin.Address,
        RequestId = origin.RequestId,
        ClientRequestId = origin.ClientRequestId,
    };
}
