namespace Secrets.Domain.ApiKeys;

/// <summary>The operations that a credential allows. The numbers are stored: never renumber.</summary>
[Flags]
public enum Scopes
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary><c>secrets:read</c>: list and inspect secrets, never their values.</summary>
    SecretsRead = 1,

    /// <summary><c>secrets:write</c>: create, update and delete secrets.</summary>
    SecretsWrite = 2,

    /// <summary><c>secrets:resolve</c>: obtain values for a tool call; for trusted runtimes.</summary>
    SecretsResolve = 4,

    /// <summary><c>keys:manage</c>: create, list, replace and revoke API keys.</summary>
    KeysManage = 8,

    /// <summary><c>audit:read</c>: read the audit.</summary>
    AuditRead = 16,

    /// <summary><c>operator</c>: run the installation.</summary>
    Operator = 32,

    /// <summary><c>users:act</c>: act for another user; for trusted backends.</summary>
    UsersAct = 64,

    /// <summary>Every scope.</summary>
    All = SecretsRead | SecretsWrite | SecretsResolve | KeysManage | AuditRead | Operator | UsersAct,
}

/// <summary>The names of scopes in requests and answers.</summary>
public static class ScopeNames
{
    private static readonly (Scopes Scope, string Name)[] Table =
    [
        (Scopes.SecretsRead, "secrets:read"),
        (Scopes.SecretsWrite, "secrets:write"),
        (Scopes.SecretsResolve, "secrets:resolve"),
        (Scopes.KeysManage, "keys:manage"),
        (Scopes.AuditRead, "audit:read"),
        (Scopes.Operator, "operator"),
        (Scopes.UsersAct, "users:act"),
    ];

    /// <summary>Every name, in a fixed order.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Table.Select(row => row.Name)];

    /// <summary>The names of the scopes in a set.</summary>
    public static IReadOnlyList<string> For(Scopes scopes) =>
        [.. Table.Where(row => scopes.HasFlag(row.Scope)).Select(row => row.Name)];

    /// <summary>The scope of that name; null: unknown.</summary>
    public static Scopes? Parse(string name)
    {
        foreach (var row in Table)
        {
            if (string.Equals(row.Name, name, StringComparison.Ordinal))
            {
                return row.Scope;
            }
        }

        return null;
    }
}
