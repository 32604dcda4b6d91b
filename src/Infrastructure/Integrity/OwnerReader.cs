using Secrets.Application.Audit;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Integrity;

/// <summary>The verified rows of an owner: the service wrote them, and they are current.</summary>
/// <param name="Stamp">The owner's stamp at the time of the read.</param>
/// <param name="Account">The account of these rows.</param>
/// <param name="Secrets">All secrets.</param>
/// <param name="DataKeys">All data keys.</param>
internal sealed record VerifiedOwner(long Stamp, Account Account, IReadOnlyList<StoredSecret> Secrets, IReadOnlyList<DataKeyRow> DataKeys)
{
    /// <summary>The sealed account; null: the owner has no row.</summary>
    public byte[]? Sealed { get; init; }

    /// <summary>The digest of each row, by id.</summary>
    public required IReadOnlyDictionary<Guid, RowDigest> Digests { get; init; }

    /// <summary>The data key for new values; null: none exists yet.</summary>
    public DataKeyRow? CurrentKey => DataKeys.FirstOrDefault(key => key.Id == Account.CurrentKey);
}

/// <summary>The only way to read an owner for values and writes. Returns verified rows only (docs/decisions/0020-the-database-is-not-trusted.md).</summary>
internal sealed class OwnerReader(IOwnerRows rows, OwnerSeals seals, VersionFloors<SecretOwner> versionFloors, IntegrityAlarms alarms, FailClosedReads reads)
{
    /// <summary>The fault of an owner in quarantine. It raises no alarm, because nobody changed the rows.</summary>
    private const string InQuarantine = "an operator put it into quarantine";

    /// <summary>Reads owners. An owner that does not verify is null in the result, and raises an alarm.</summary>
    /// <param name="db">The connection. If it is in a transaction, the transaction has locked the owners.</param>
    /// <param name="owners">At least one, without duplicates.</param>
    public async Task<IReadOnlyList<VerifiedOwner?>> ReadAsync(SecretsDbContext db, IReadOnlyList<SecretOwner> owners)
    {
        var verified = (await TryReadAsync(db, owners, FloorsOf(owners))).Select(read => read.Verified).ToArray();
        var doubtful = Enumerable.Range(0, owners.Count).Where(at => verified[at] is null).ToList();
        if (doubtful.Count > 0)
        {
            // A concurrent write between two statements looks like a fault. So read again, in a snapshot or under the caller's lock.
            var suspects = doubtful.ConvertAll(at => owners[at]);
            var floors = FloorsOf(suspects);
            var again = db.Database.CurrentTransaction is null
                ? await db.InSnapshotAsync(() => ReadEachAsync(db, suspects, floors), CancellationToken.None)
                : await ReadEachAsync(db, suspects, floors);
            for (var at = 0; at < doubtful.Count; at++)
            {
                verified[doubtful[at]] = again[at].Verified;
                if (again[at].Fault is { } fault && !string.Equals(fault, InQuarantine, StringComparison.Ordinal))
                {
                    await alarms.RaiseAsync(suspects[at], fault);
                }
            }
        }

        for (var at = 0; at < verified.Length; at++)
        {
            if (verified[at] is { } owner)
            {
                versionFloors.Raise(owners[at], owner.Account.Version, owner.Sealed);
                alarms.Clear(owners[at]);
            }
        }

        return verified;
    }

    /// <summary>Reads and verifies one owner.</summary>
    /// <exception cref="TamperedOwnerException">The owner's rows do not verify.</exception>
    public async Task<VerifiedOwner> ReadAsync(SecretsDbContext db, SecretOwner owner) =>
        (await ReadAsync(db, [owner]))[0] ?? throw new TamperedOwnerException();

    /// <summary>The fault of an owner; null: the owner verifies. Raises no alarm.</summary>
    public async Task<string?> FindFaultAsync(SecretsDbContext db, SecretOwner owner)
    {
        var floors = FloorsOf([owner]);
        return (await db.InSnapshotAsync(() => TryReadAsync(db, [owner], floors), CancellationToken.None)).Single().Fault;
    }

    /// <summary>The account of a locked owner; null: the account does not verify. Does not verify the other rows.</summary>
    public CachedAccount? Open(SecretOwner owner, OwnerRow row) =>
        row.Account is { } stored && OpenAccount(owner, row, versionFloors.Find(owner)).Account is { } account ? new CachedAccount(account, stored) : null;

    /// <summary>
    /// The lowest version that a read of each owner may show. Call this before the read or its snapshot: another thread may raise a floor during the read.
    /// </summary>
    private List<VersionFloor> FloorsOf(IReadOnlyList<SecretOwner> owners) => [.. owners.Select(versionFloors.Find)];

    private async Task<List<(VerifiedOwner? Verified, string? Fault)>> ReadEachAsync(SecretsDbContext db, List<SecretOwner> owners, List<VersionFloor> floors)
    {
        // Read one owner at a time: an unreadable row must not fail the other owners.
        List<(VerifiedOwner? Verified, string? Fault)> read = [];
        for (var at = 0; at < owners.Count; at++)
        {
            read.AddRange(await TryReadAsync(db, [owners[at]], [floors[at]]));
        }

        return read;
    }

    private async Task<IEnumerable<(VerifiedOwner? Verified, string? Fault)>> TryReadAsync(
        SecretsDbContext db, IReadOnlyList<SecretOwner> owners, List<VersionFloor> floors)
    {
        try
        {
            return (await reads.OrUnavailableAsync(db, () => rows.ReadAsync(db, owners))).Select((found, at) => Verify(owners[at], found, floors[at]));
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception))
        {
            return owners.Select(_ => ((VerifiedOwner?)null, (string?)"a row has a value that the service never writes"));
        }
    }

    private (VerifiedOwner? Verified, string? Fault) Verify(SecretOwner owner, OwnerRows found, VersionFloor floor)
    {
        var row = found.Owner;
        var (opened, fault) = OpenAccount(owner, row, floor);
        if (opened is not { } account)
        {
            return (null, fault);
        }

        if (row.Account is null)
        {
            return found.Secrets.Count == 0 && found.DataKeys.Count == 0
                ? (new VerifiedOwner(0, account, [], []) { Digests = new Dictionary<Guid, RowDigest>() }, null)
                : (null, "the owner has rows, but its account is missing");
        }

        Dictionary<Guid, RowDigest> digests;
        try
        {
            digests = seals.DigestsOf(found.Secrets, found.DataKeys, account.IntegrityKey);
        }
        catch (ArgumentException)
        {
            return (null, "a row has a value that is not text");
        }

        if (RowDigest.Sum(digests.Values) != account.Digest || found.Secrets.Count != account.Count)
        {
            return (null, $"the rows are not those of version {row.Version}: one was added, changed, removed or put back");
        }

        return KeepUniqueRules(found.Secrets)
            ? (new VerifiedOwner(row.Stamp, account, found.Secrets, found.DataKeys) { Sealed = row.Account, Digests = digests }, null)
            : (null, "two secrets have one name, or are the default of one tool and argument: a unique index did not see one of them");
    }

    /// <summary>Whether no two secrets have the same name, or are the default of the same tool and argument. The order of the rows would decide between them.</summary>
    private static bool KeepUniqueRules(List<StoredSecret> secrets)
    {
        HashSet<string> names = new(secrets.Count, StringComparer.Ordinal);
        HashSet<(string?, string?)> defaults = [];
        return secrets.TrueForAll(secret => names.Add(secret.Name) && (!secret.IsDefaultForTool || defaults.Add((secret.ToolName, secret.ToolArg))));
    }

    /// <summary>The account of an owner's row, empty if the row is missing; or the fault.</summary>
    private (Account? Account, string? Fault) OpenAccount(SecretOwner owner, OwnerRow row, VersionFloor floor)
    {
        if (floor.IsRolledBack(row.Version, row.Account is null ? 0 : AccountSeals.NoncePrefixOf(row.Account)))
        {
            return (null, $"the stored version {row.Version} is not the current one: this process has seen version {floor.Version}");
        }

        if (!Account.IsLatest(row.Version, row.Secrets, row.Audited))
        {
            return (null, $"the stored version {row.Version} is not the latest one in the audit, {row.Audited}");
        }

        if (row.Account is null)
        {
            // The service never writes a row without an account. So somebody has edited a row whose account is null.
            return row is { Stamp: 0, Version: 0, Secrets: 0, BytesUsed: 0 } ? (seals.Empty(), null) : (null, "the account is missing");
        }

        return seals.Open(owner, row.Version, row.Secrets, row.BytesUsed, row.Account) is { } account
            ? (account, null)
            : seals.OpenInQuarantine(owner, row.Version, row.Secrets, row.BytesUsed, row.Account) is not null ? (null, InQuarantine)
            : (null, "the account was not sealed by this service, or not for this version");
    }
}
