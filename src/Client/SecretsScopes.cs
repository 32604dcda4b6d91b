namespace Secrets.Client;

/// <summary>Scopes of an API key. They are text, because a newer service may have scopes that this client does not know.</summary>
public static class SecretsScopes
{
    /// <summary>List own secrets, masked, and explain tool calls.</summary>
    public const string Read = "secrets:read";

    /// <summary>Store, change and delete own secrets.</summary>
    public const string Write = "secrets:write";

    /// <summary>Get values for tool calls. For runtimes, not for people.</summary>
    public const string Resolve = "secrets:resolve";

    /// <summary>Create, list, rotate and revoke API keys.</summary>
    public const string ManageKeys = "keys:manage";

    /// <summary>Read own audit rows, and those of organisations that the caller administers.</summary>
    public const string ReadAudit = "audit:read";

    /// <summary>Operate the service: create keys for any user, verify the audit, rotate encryption keys.</summary>
    public const string Operator = "operator";

    /// <summary>Name the user of a request. For backends that store secrets for their users.</summary>
    public const string ActForUsers = "users:act";
}
