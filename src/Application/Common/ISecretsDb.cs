namespace Secrets.Application.Common;

/// <summary>The database as use cases see it.</summary>
public interface ISecretsDb
{
    DbSet<Secret> Secrets { get; }

    DbSet<Owner> Owners { get; }

    DbSet<ApiKey> ApiKeys { get; }

    DbSet<AuditEntry> Audit { get; }

    /// <summary>
    /// Locks an owner until the end of the transaction (<see cref="InTransactionAsync"/>), and verifies all of the owner's rows. Every change of secrets
    /// needs this lock. The owner's account is updated and saved with the changes.
    /// </summary>
    /// <exception cref="TamperedOwnerException">The owner does not verify.</exception>
    Task<OwnerUse> LockAsync(SecretOwner owner, CancellationToken cancellationToken);

    /// <summary>The same for the API keys that act for a user.</summary>
    /// <exception cref="TamperedOwnerException">The keys do not verify.</exception>
    Task LockKeysAsync(Guid userId, CancellationToken cancellationToken);

    /// <summary>The unrevoked API keys of a locked user, as they were verified, not tracked. Call before the transaction changes them.</summary>
    /// <exception cref="TamperedOwnerException">Somebody has changed them since.</exception>
    Task<IReadOnlyList<ApiKey>> ReadLockedKeysAsync(Guid userId, CancellationToken cancellationToken);

    /// <summary>
    /// Confirms that a query missed no API key of locked users: an attacker may show other rows to one query than to the next. Call before the transaction
    /// changes the keys.
    /// </summary>
    /// <param name="userIds">The locked users.</param>
    /// <param name="isMissed">Whether the query should have found an unrevoked key, but did not.</param>
    /// <param name="cancellationToken">Cancels the reads.</param>
    /// <exception cref="TamperedOwnerException">It missed one, or somebody has changed the keys since.</exception>
    Task RequireNoMissedKeyAsync(IEnumerable<Guid> userIds, Predicate<ApiKey> isMissed, CancellationToken cancellationToken);

    /// <summary>
    /// Confirms that an owner does not have a secret that a query did not find. Verifies all rows of the owner. In a transaction, the owner gets locked.
    /// Outside, nothing is locked, but the call waits for the owner's writes of this process.
    /// </summary>
    /// <param name="owner">The owner.</param>
    /// <param name="id">The secret's id; null: <paramref name="name"/> selects it.</param>
    /// <param name="name">The secret's name; ignored if there is an id.</param>
    /// <param name="cancellationToken">Cancels the reads.</param>
    /// <exception cref="TamperedOwnerException">The owner has the secret, or does not verify.</exception>
    /// <exception cref="UnavailableException">Too many writes of the owner are waiting.</exception>
    Task RequireNoSecretAsync(SecretOwner owner, Guid? id, string? name, CancellationToken cancellationToken);

    /// <summary>Confirms that a secret that was read under the owner's lock, and is not changed yet, is the verified one.</summary>
    /// <exception cref="TamperedOwnerException">Somebody has changed it since, or showed the query another row.</exception>
    Task RequireVerifiedAsync(Secret secret);

    /// <summary>
    /// Runs <paramref name="work"/>, saves its changes and commits. After a transient failure, some databases run the work
    /// again, so the work must have no other side effects.
    /// </summary>
    /// <exception cref="UniqueViolationException">The database rejected a duplicate. Nothing was stored.</exception>
    /// <exception cref="UnavailableException">The audit cannot be written. Nothing was stored.</exception>
    Task<T> InTransactionAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>
    /// The same for a write of one owner. Within this process, writes of one owner queue before they take a connection, so that no owner can take all of them.
    /// </summary>
    /// <exception cref="UnavailableException">Too many writes of the owner are waiting, or the audit cannot be written. Nothing was stored.</exception>
    Task<T> InOwnerTransactionAsync<T>(SecretOwner owner, Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>Writes an audit event in the current transaction (<see cref="InTransactionAsync"/>).</summary>
    void Record(AuditEvent auditEvent);
}

/// <summary>An owner's use of the quota.</summary>
/// <param name="Bytes">UTF-8 bytes of all values.</param>
/// <param name="Secrets">Number of secrets.</param>
public readonly record struct OwnerUse(long Bytes, int Secrets);

/// <summary>The unique rules that use cases distinguish.</summary>
public enum UniqueRule
{
    /// <summary>One name per owner.</summary>
    SecretName,

    /// <summary>One default per owner, tool pattern and argument.</summary>
    SecretDefault,

    /// <summary>Any other.</summary>
    Other,
}

/// <summary>The database rejected a row because of a unique rule.</summary>
public sealed class UniqueViolationException(UniqueRule rule, object? entity, Exception inner)
    : Exception("A unique rule of the database was violated.", inner)
{
    /// <summary>The rule.</summary>
    public UniqueRule Rule => rule;

    /// <summary>The rejected entity, if the provider names it.</summary>
    public object? Entity => entity;
}
