namespace Secrets.Infrastructure.Persistence;

/// <summary>Adds to what is counted of secrets, in the words of one database.</summary>
internal interface IUseStore
{
    /// <summary>Adds to the counts of many secrets; those that are gone are left out. If it fails, some may have been added to.</summary>
    /// <param name="db">Whose connection to use; nothing of it is tracked.</param>
    /// <param name="uses">At least one, each secret once.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task AddAsync(SecretsDbContext db, IReadOnlyList<SecretUses> uses, CancellationToken cancellationToken);
}

/// <summary>How often a secret's value was handed out since the last time that was stored, and when last.</summary>
internal readonly record struct SecretUses(Guid SecretId, long Count, DateTimeOffset LastAt);
