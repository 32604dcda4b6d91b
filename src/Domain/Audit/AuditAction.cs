namespace Secrets.Domain.Audit;

/// <summary>
/// What somebody did or wanted to do. The numbers are stored and hashed: never renumber. As wide as the column: read as a byte, an edited
/// 268 would pass for 12.
/// </summary>
public enum AuditAction : short
{
    /// <summary>Presented a credential.</summary>
    Authenticate = 1,

    /// <summary>Was refused more often than is written down; <see cref="AuditEvent.LeftOut"/> says how many have no row.</summary>
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

    /// <summary>Obtained a value for a tool call.</summary>
    SecretResolve = 15,

    /// <summary>Asked how a tool call would be filled.</summary>
    SecretExplain = 16,

    /// <summary>Asked what secrets take of the quota.</summary>
    UsageGet = 17,

    /// <summary>Made an API key.</summary>
    KeyCreate = 20,

    /// <summary>Revoked an API key.</summary>
    KeyDelete = 21,

    /// <summary>Listed API keys.</summary>
    KeyList = 22,

    /// <summary>Had an API key replaced by another.</summary>
    KeyRotate = 23,

    /// <summary>Read the audit.</summary>
    AuditList = 30,

    /// <summary>Had the audit checked.</summary>
    AuditVerify = 31,

    /// <summary>Had the keys that seal values replaced, or those above them.</summary>
    EncryptionRotate = 40,

    /// <summary>Asked how far that is.</summary>
    EncryptionGet = 41,

    /// <summary>Came upon rows that were changed outside the service.</summary>
    IntegrityFailure = 50,

    /// <summary>Changed an account for the service's own reasons: a data key was made, replaced or removed, or values were sealed anew.</summary>
    AccountChange = 51,

    /// <summary>Removed the row that had the version of an account, because of its age, and wrote the version anew.</summary>
    AccountVersion = 52,

    /// <summary>Accepted what is there of an owner, or of a user's API keys, after it was changed outside the service.</summary>
    IntegrityAccept = 53,

    /// <summary>Changed the service's own keys, or what is noted of them: made one, removed one, or was done with replacing them.</summary>
    KeysChange = 54,

    /// <summary>Put an owner into quarantine: nothing of it is handed out or changed until it is accepted.</summary>
    IntegrityQuarantine = 55,

    /// <summary>Set another issuer with which names of users are turned into ids.</summary>
    UsersSetIssuer = 56,
}

/// <summary>How it ended. The numbers are stored and hashed: never renumber. As wide as the column, like the actions.</summary>
public enum AuditOutcome : short
{
    /// <summary>It was done.</summary>
    Success = 1,

    /// <summary>It was refused.</summary>
    Denied = 2,
}

/// <summary>The names under which actions and outcomes travel.</summary>
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

    /// <summary>The name of an action; of a number that this version does not know, the number.</summary>
    public static string For(AuditAction action)
    {
        var row = Array.Find(Table, row => row.Action == action);
        return row.Name ?? ((short)action).ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>The action of that name, or null for a name that is not ours.</summary>
    public static AuditAction? ParseAction(string name)
    {
        var row = Array.Find(Table, row => string.Equals(row.Name, name, StringComparison.Ordinal));
        return row.Name is null ? null : row.Action;
    }

    /// <summary>The name of an outcome.</summary>
    public static string For(AuditOutcome outcome) => outcome == AuditOutcome.Success ? "success" : "denied";

    /// <summary>The outcome of that name, or null for a name that is not ours.</summary>
    public static AuditOutcome? ParseOutcome(string name) => name switch
    {
        "success" => AuditOutcome.Success,
        "denied" => AuditOutcome.Denied,
        _ => null,
    };
}
