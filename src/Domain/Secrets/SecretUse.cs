namespace Secrets.Domain.Secrets;

/// <summary>
/// How often a secret's value was handed out. Apart from the secret, so that counting rewrites no row of it; some seconds behind the audit,
/// which is the record.
/// </summary>
public sealed class SecretUse
{
    private SecretUse()
    {
    }

    /// <summary>The secret.</summary>
    public Guid SecretId { get; private init; }

    /// <summary>Values handed out.</summary>
    public long Count { get; private init; }

    /// <summary>When the last was; UTC.</summary>
    public DateTimeOffset LastAt { get; private init; }
}
