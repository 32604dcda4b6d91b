namespace Secrets.Infrastructure.Persistence;

/// <summary>Adds to the use counts of secrets, in the SQL of one database.</summary>
internal interface IUseStore
{
    /// <summary>Adds to the counts of many secrets. Ignores deleted secrets. A failure may leave some counts updated.</summary>
    /// <param name="db">Provides the connection. Nothing is tracked.</param>
    /// <param name="uses">At least one, each secret once.</param>
    /// <param name="cancellationToken">Cancels the statements.</param>
    Task AddAsync(SecretsDbContext db, IReadOnlyList<SecretUses> uses, CancellationToken cancellationToken);
}

/// <summary>The uses of a secret since its count was last stored, and the last use.</summary>
internal readonly record struct SecretUses(Guid SecretId, long Count, DateTimeOffset LastAt);
