using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Reads owners whole, in the words of one database. Nothing that it reads is certain: <see cref="Integrity.OwnerReader"/> verifies it.</summary>
internal interface IOwnerRows
{
    /// <summary>One answer for each owner. Account and rows are of one moment only in a snapshot (<see cref="SecretsDbContext.AtOneMomentAsync"/>) or under the owner's lock.</summary>
    /// <param name="db">Whose connection to use; nothing of it is tracked.</param>
    /// <param name="owners">At least one, each once.</param>
    /// <exception cref="InvalidCastException">A row is unreadable. <see cref="Application.Audit.AuditRows.AreUnreadable"/> has all such exceptions.</exception>
    Task<IReadOnlyList<OwnerRows>> ReadAsync(SecretsDbContext db, IReadOnlyList<SecretOwner> owners);
}

/// <summary>The row of an owner: what <see cref="Owner"/> has.</summary>
/// <param name="Stamp">See <see cref="Owner.Stamp"/>; 0 where there is no such owner.</param>
/// <param name="Version">See <see cref="Owner.Version"/>; 0 where there is no such owner.</param>
/// <param name="Secrets">See <see cref="Owner.Secrets"/>.</param>
/// <param name="BytesUsed">See <see cref="Owner.BytesUsed"/>.</param>
/// <param name="Account">See <see cref="Owner.Account"/>; null: there is no such owner.</param>
/// <param name="IsBehind">Whether the audit has a later version of it.</param>
internal sealed record OwnerRow(long Stamp, long Version, int Secrets, long BytesUsed, byte[]? Account, bool IsBehind);

/// <summary>What a database has of an owner.</summary>
internal sealed record OwnerRows(OwnerRow Owner)
{
    public List<StoredSecret> Secrets { get; } = [];

    public List<DataKeyRow> DataKeys { get; } = [];
}
