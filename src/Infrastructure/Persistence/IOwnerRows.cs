using System.Data.Common;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Reads all rows of owners, in the SQL of one database. The rows are untrusted until <see cref="Integrity.OwnerReader"/> verifies them.</summary>
internal interface IOwnerRows
{
    /// <summary>
    /// Returns one result for each owner. Account and rows match only in a snapshot (<see cref="SecretsDbContext.InSnapshotAsync"/>) or under the owner's lock.
    /// </summary>
    /// <param name="db">Provides the connection. Nothing is tracked.</param>
    /// <param name="owners">At least one, each once.</param>
    /// <exception cref="InvalidCastException">A row is unreadable; <see cref="Application.Audit.AuditRows.AreUnreadable"/> lists other exceptions.</exception>
    Task<IReadOnlyList<OwnerRows>> ReadAsync(SecretsDbContext db, IReadOnlyList<SecretOwner> owners);
}

/// <summary>The row of an owner, with the columns of <see cref="Owner"/>.</summary>
/// <param name="Stamp">See <see cref="Owner.Stamp"/>; 0 if the owner does not exist.</param>
/// <param name="Version">See <see cref="Owner.Version"/>; 0 if the owner does not exist.</param>
/// <param name="Secrets">See <see cref="Owner.Secrets"/>.</param>
/// <param name="BytesUsed">See <see cref="Owner.BytesUsed"/>.</param>
/// <param name="Account">See <see cref="Owner.Account"/>; null if the owner does not exist.</param>
/// <param name="Audited">The latest version of the owner in the audit; 0: none.</param>
internal sealed record OwnerRow(long Stamp, long Version, int Secrets, long BytesUsed, byte[]? Account, long Audited)
{
    /// <summary>Reads the parameters from as many columns.</summary>
    public static OwnerRow FromRow(DbDataReader row, int first) => new(
        row.GetInt64(first), row.GetInt64(first + 1), row.GetInt32(first + 2), row.GetInt64(first + 3), row.Optional<byte[]>(first + 4), row.GetInt64(first + 5));
}

/// <summary>All rows of an owner.</summary>
internal sealed record OwnerRows(OwnerRow Owner)
{
    public List<StoredSecret> Secrets { get; } = [];

    public List<DataKeyRow> DataKeys { get; } = [];
}
