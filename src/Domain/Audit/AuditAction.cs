namespace Secrets.Domain.Audit;

/// <summary>
/// An action that was done or refused. The numbers are stored and hashed: never renumber. The type is as wide as the column:
/// read as a byte, a manipulated 268 would pass for 12.
/// </summary>
public enum AuditAction : short
{
    /// <summary>Presented a credential.</summary>
    Authenticate = 1,

    /// <summary>Was refused too often; <see cref="AuditEvent.LeftOut"/> counts the refusals without a row.</summary>
    DenialsLeftOut = 2,

    /// <summary>Stored a secret.</summary>
    SecretCreate = 10,

    /// <summary>Changed a secret.</summary>
    SecretUpdate = 11,

    /// <summary>Removed a secret.</summary>
    SecretDelete = 12,

    /// <summary>Looked at a secret.</summary>
    SecretGet = 13,

    /// <summary>Listed secrets.</summary>
    SecretList = 14,

    /// <summary>Received a value for a tool call.</summary>
    SecretResolve = 15,

    /// <summary>Asked how a tool call would be filled.</summary>
    SecretExplain = 16,

    /// <summary>Read the usage of the quota.</summary>
    UsageGet = 17,

    /// <summary>Made an API key.</summary>
    KeyCreate = 20,

    /// <summary>Revoked an API key.</summary>
    KeyDelete = 21,

    /// <summary>Listed API keys.</summary>
    KeyList = 22,

    /// <summary>Replaced an API key.</summary>
    KeyRotate = 23,

    /// <summary>Read the audit.</summary>
    AuditList = 30,

    /// <summary>Verified the audit.</summary>
    AuditVerify = 31,

    /// <summary>Requested the rotation of data keys, key ring or integrity key.</summary>
    EncryptionRotate = 40,

    /// <summary>Read the progress of a rotation.</summary>
    EncryptionGet = 41,

    /// <summary>Found rows that were changed outside the service.</summary>
    IntegrityFailure = 50,

    /// <summary>Changed an account without a request: made, replaced or removed a data key, or sealed values again.</summary>
    AccountChange = 51,

    /// <summary>Removed the expired row that named the version of an account, and recorded the version again.</summary>
    AccountVersion = 52,

    /// <summary>Accepted the stored rows of an owner, or a user's API keys, after a change outside the service.</summary>
    IntegrityAccept = 53,

    /// <summary>Changed the service's own keys: made or removed a key, or finished a rotation.</summary>
    KeysChange = 54,

    /// <summary>Put an owner into quarantine: its secrets cannot be read or changed until an operator accepts them.</summary>
    IntegrityQuarantine = 55,

    /// <summary>Changed the issuer by which names of users become ids.</summary>
    UsersSetIssuer = 56,
}

/// <summary>The outcome of an action. The numbers are stored and hashed: never renumber. As wide as the column, like the actions.</summary>
public enum AuditOutcome : short
{
    /// <summary>Done.</summary>
    Success = 1,

    /// <summary>Refused.</summary>
    Denied = 2,
}

/// <summary>The names of actions and outcomes in requests and answers.</summary>
public static class AuditNames
{
    private static readonly (AuditAction Action, string Name)[] Table =
    [
        (AuditAction.Authenticate, "authenticate"),
        (AuditAction.DenialsLeftOut, "denials.left_out"),
        (AuditAction.SecretCreate, "secret.create"),
        (AuditAction.SecretUpdate, "secret.update"),
        (AuditAction.SecretDelete, "secret.delete"),
        (AuditAction.SecretGet, "secret.get"),
        (AuditAction.SecretList, "secret.list"),
        (AuditAction.SecretResolve, "secret.resolve"),
        (AuditAction.SecretExplain, "secret.explain"),
        (AuditAction.UsageGet, "usage.get"),
        (AuditAction.KeyCreate, "key.create"),
        (AuditAction.KeyDelete, "key.delete"),
        (AuditAction.KeyList, "key.list"),
        (AuditAction.KeyRotate, "key.rotate"),
        (AuditAction.AuditList, "audit.list"),
        (AuditAction.AuditVerify, "audit.verify"),
        (AuditAction.EncryptionRotate, "encryption.rotate"),
        (AuditAction.EncryptionGet, "encryption.get"),
        (AuditAction.IntegrityFailure, "integrity.failure"),
        (AuditAction.AccountChange, "account.change"),
        (AuditAction.AccountVersion, "account.version"),
        (AuditAction.IntegrityAccept, "integrity.accept"),
        (AuditAction.KeysChange, "keys.change"),
        (AuditAction.IntegrityQuarantine, "integrity.quarantine"),
        (AuditAction.UsersSetIssuer, "users.set_issuer"),
    ];

    /// <summary>The names of all actions, in a fixed order.</summary>
    public static IReadOnlyList<string> Actions { get; } = [.. Table.Select(row => row.Name)];

    /// <summary>The name of an action; the number if this version does not know the action.</summary>
    public static string For(AuditAction action)
    {
        var row = Array.Find(Table, row => row.Action == action);
        return row.Name ?? ((short)action).ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>The action of that name; null: unknown.</summary>
    public static AuditAction? ParseAction(string name)
    {
        var row = Array.Find(Table, row => string.Equals(row.Name, name, StringComparison.Ordinal));
        return row.Name is null ? null : row.Action;
    }

    /// <summary>The name of an outcome.</summary>
    public static string For(AuditOutcome outcome) => outcome == AuditOutcome.Success ? "success" : "denied";

    /// <summary>The outcome of that name; null: unknown.</summary>
    public static AuditOutcome? ParseOutcome(string name) => name switch
    {
        "success" => AuditOutcome.Success,
        "denied" => AuditOutcome.Denied,
        _ => null,
    };
}
