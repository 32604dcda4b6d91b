namespace Secrets.Domain.Secrets;

/// <summary>
/// How often a secret's value was released. A row of its own, so that counting does not rewrite the secret.
/// The count is some seconds behind the audit, which is authoritative.
/// </summary>
public sealed class SecretUse
{
    private SecretUse()
    {
    }

    /// <summary>The secret.</summary>
    public Guid SecretId { get; private init; }

    /// <summary>How often the value was released.</summary>
    public long Count { get; private init; }

    /// <summary>When the value was last released; UTC.</summary>
    public DateTimeOffset LastAt { get; private init; }
}
