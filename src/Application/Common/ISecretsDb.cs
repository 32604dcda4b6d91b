using Microsoft.EntityFrameworkCore;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Common;

/// <summary>The database as use cases see it.</summary>
public interface ISecretsDb
{
    DbSet<Secret> Secrets { get; }

    DbSet<Owner> Owners { get; }

    DbSet<ApiKey> ApiKeys { get; }

    DbSet<AuditEntry> Audit { get; }

    /// <summary>
    /// For the work of <see cref="InTransactionAsync"/>: locks an owner until the end of the transaction, and verifies everything that the owner has. Secrets are changed under this lock
    /// only; what the changes make of the owner's account is saved with them.
    /// </summary>
    /// <exception cref="TamperedOwnerException">It does not verify.</exception>
    Task<OwnerUse> LockAsync(SecretOwner owner, CancellationToken cancellationToken);

    /// <summary>The same for the API keys that act for a user.</summary>
    /// <exception cref="TamperedOwnerException">They do not verify.</exception>
    Task LockKeysAsync(Guid userId, CancellationToken cancellationToken);

    /// <summary>
    /// Runs <paramref name="work"/>, saves what it changed and commits. On some databases the whole is run again where it fails in a way that
    /// is known to pass, so the work must not have effects of its own.
    /// </summary>
    /// <exception cref="UniqueViolationException">A unique rule of the database was violated; nothing was stored.</exception>
    /// <exception cref="UnavailableException">The audit cannot be written; nothing was stored.</exception>
    Task<T> InTransactionAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>
    /// The same for a write of one owner. Within this process such writes wait for each other before they take a connection, so that those of one owner do not take all.
    /// </summary>
    /// <exception cref="UnavailableException">Too many writes of the owner wait already, or the audit cannot be written; nothing was stored.</exception>
    Task<T> InTransactionOfAsync<T>(SecretOwner owner, Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>For the work of <see cref="InTransactionAsync"/>: writes this to the audit in the same transaction.</summary>
    void Record(AuditEvent fact);
}

/// <summary>What an owner has.</summary>
/// <param name="Bytes">UTF-8 bytes of all values.</param>
/// <param name="Secrets">How many secrets there are.</param>
public readonly record struct OwnerUse(long Bytes, int Secrets);

/// <summary>The unique rules that a use case can run into.</summary>
public enum UniqueRule
{
    /// <summary>One name per owner.</summary>
    SecretName,

    /// <summary>One default per owner, tool pattern and argument.</summary>
    SecretDefault,

    /// <summary>Any other.</summary>
    Other,
}

/// <summary>The database refused a row because of a unique rule.</summary>
public sealed class UniqueViolationException(UniqueRule rule, object? entity, Exception inner)
    : Exception("A unique rule of the database was violated.", inner)
{
    /// <summary>The rule.</summary>
    public UniqueRule Rule => rule;

    /// <summary>The entity that was refused, where the provider names it.</summary>
    public object? Entity => entity;
}
