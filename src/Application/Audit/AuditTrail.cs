using Secrets.Application.Common;

namespace Secrets.Application.Audit;

/// <summary>Makes audit events with the caller, time and origin of the current request.</summary>
internal sealed class AuditTrail(Caller caller, RequestOrigin origin, TimeProvider time)
{
    /// <summary>An action on a secret.</summary>
    public AuditEvent Success(AuditAction action, Secret secret) => EventFor(action, AuditOutcome.Success) with
    {
        Owner = secret.Owner,
        SecretId = secret.Id,
        SecretVersion = secret.Version,
        ToolName = secret.ToolName,
        ToolArg = secret.ToolArg,
    };

    /// <summary>The release of a value for an argument of a tool call.</summary>
    public AuditEvent Released(Placement secret, string toolName, string toolArg, CallContext? context) => EventFor(AuditAction.SecretResolve, AuditOutcome.Success) with
    {
        Owner = secret.Owner,
        SecretId = secret.SecretId,
        SecretVersion = secret.Version,
        ToolName = toolName,
        ToolArg = toolArg,
        Context = context,
    };

    /// <summary>An action on an API key.</summary>
    public AuditEvent Success(AuditAction action, ApiKey key) => EventFor(action, AuditOutcome.Success) with
    {
        Owner = key.OrganizationId is { } id ? new SecretOwner(OwnerKind.Organization, id) : SecretOwner.User(key.UserId),
        TargetKeyId = key.Id,
        TargetKeyUserId = key.UserId,
    };

    /// <summary>An action without an owner.</summary>
    public AuditEvent Success(AuditAction action) => EventFor(action, AuditOutcome.Success);

    /// <summary>
    /// A denial. The row names an organisation only if the caller belongs to it, and another user only if the caller has <c>users:act</c>.
    /// So callers cannot write into the part of the audit that strangers see.
    /// </summary>
    public AuditEvent Denial(AuditAction action, INamesTarget? one, INamesOwner? owned) => EventFor(action, AuditOutcome.Denied) with
    {
        Owner = owned?.Owner is { Kind: OwnerKind.Organization } organization ? organization.Find(caller)
            : caller.NamedUser is not null && caller.Has(Scopes.UsersAct) ? caller.Owner
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
