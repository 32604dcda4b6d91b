namespace Secrets.Client;

/// <summary>What an API key may do. Text and not an enumeration: a service may know more than this client.</summary>
public static class SecretsScopes
{
    /// <summary>See one's secrets, masked, and why a tool call gets which.</summary>
    public const string Read = "secrets:read";

    /// <summary>Store, change and delete secrets.</summary>
    public const string Write = "secrets:write";

    /// <summary>Get the values for tool calls. For runtimes, not for people.</summary>
    public const string Resolve = "secrets:resolve";

    /// <summary>Make, list, replace and revoke API keys.</summary>
    public const string ManageKeys = "keys:manage";

    /// <summary>Read the audit.</summary>
    public const string ReadAudit = "audit:read";

    /// <summary>Everything that concerns the service as a whole.</summary>
    public const string Operator = "operator";

    /// <summary>Name the user whose secrets are meant. For backends that keep the secrets of their users.</summary>
    public const string ActForUsers = "users:act";
}
