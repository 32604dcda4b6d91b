using Microsoft.Extensions.Hosting;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Encryption.RootKeySources;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.RootKeys;

/// <summary>
/// Loads the root key and proves it on the canary before anything is sealed or opened. A wrong or missing key stops the start:
/// otherwise the database would hold ciphertext under two root keys.
/// </summary>
internal sealed partial class RootKeyGuard(
    SecretsDbContext db, RootKey rootKey, RootKeyContents contents, KeyRing ring, IDatabaseServer server, ConfiguredRootKeys configured, IHostEnvironment environment,
    TimeProvider time, ILogger<RootKeyGuard> logger)
{
    private const string CanaryPurpose = "canary";

    // In production a generated key would be lost together with its container.
    private string? DefaultFile => environment.IsProduction() ? null : server.DefaultRootKeyFile;

    private IRootKeySource? Source => configured.Current ?? (DefaultFile is { } path ? new FileRootKeySource(path, $"The root key file {path}") : null);

    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        var canary = await FindCanaryAsync(cancellationToken);
        await LoadRootKeyAsync(canary, cancellationToken);
        if (canary is null)
        {
            await PlantCanaryAsync(cancellationToken);
        }

        var now = time.GetUtcNow();
        var (records, moved) = await db.InTransactionAsync(ProveAsync, cancellationToken);
        if (moved > 0)
        {
            Moved(moved, rootKey.PreviousFingerprint, rootKey.Fingerprint);
        }

        // Loads the rows that were just verified. A second read could find others.
        ring.Load(records, now);
    }

    /// <summary>Reads the root key and proves it on the canary, and changes nothing.</summary>
    /// <returns>A sentence for an operator.</returns>
    public async Task<string> CheckAsync(CancellationToken cancellationToken)
    {
        var canary = await FindCanaryAsync(cancellationToken);
        await LoadRootKeyAsync(canary, cancellationToken);
        if (canary is null)
        {
            await contents.RequireEmptyAsync(cancellationToken);
            return $"Root key: ok, fingerprint {rootKey.Fingerprint}. The database is new: the first start binds it to this key.";
        }

        RequireOpened(canary);
        var isMoving = !rootKey.HasFingerprint(canary.Fingerprint);
        return $"Root key: ok, fingerprint {rootKey.Fingerprint}.{(isMoving ? " The next start encrypts the database again, from the previous key to this one." : "")}";
    }

    /// <summary>
    /// Proves that every row under a root key opens, and re-encrypts rows under the previous key. Returns the keys and the number of re-encrypted rows.
    /// </summary>
    private async Task<(KeyRecords Records, int Moved)> ProveAsync(CancellationToken cancellationToken)
    {
        // Locks the canary: replicas that start at the same time take turns.
        var now = time.GetUtcNow();
        await db.RootKeys.ExecuteUpdateAsync(set => set.SetProperty(row => row.ProbedAt, now), cancellationToken);
        var canary = await db.RootKeys.SingleAsync(row => row.Id == RootKeyRow.OnlyId, cancellationToken);
        var plaintext = RequireOpened(canary);
        var isMoving = !rootKey.HasFingerprint(canary.Fingerprint);
        if (isMoving)
        {
            (canary.Fingerprint, canary.Canary) = (rootKey.Fingerprint, rootKey.Encrypt(plaintext, CanaryPurpose));
        }

        var (records, moved) = await contents.LoadAsync(Require, cancellationToken);
        return (records, moved + (isMoving ? 1 : 0));
    }

    /// <summary>Opens the canary, or throws.</summary>
    private byte[] RequireOpened(RootKeyRow canary)
    {
        Require(canary.Fingerprint);
        return rootKey.Decrypt(canary.Canary, CanaryPurpose) ?? throw new StartupException(
            $"The root key with fingerprint {canary.Fingerprint} does not open the canary of this database. "
            + "The row in root_keys was changed outside the service. Restore it from a backup.");
    }

    /// <summary>Throws unless this process has the root key with this fingerprint.</summary>
    private void Require(string fingerprint)
    {
        if (!rootKey.Opens(fingerprint))
        {
            throw new StartupException(
                $"The root key is the wrong one: this database needs the key with fingerprint {fingerprint}, but {Source?.Origin} has the key {rootKey.Fingerprint}"
                + (rootKey.PreviousFingerprint is { } previous ? $" and {configured.Previous?.Origin} has the previous key {previous}. " : ". ")
                + "Set Encryption:RootKeyFile (environment: Encryption__RootKeyFile) or the section Encryption:RootKey to the source of that key.");
        }
    }

    private Task<RootKeyRow?> FindCanaryAsync(CancellationToken cancellationToken) =>
        db.RootKeys.AsNoTracking().SingleOrDefaultAsync(row => row.Id == RootKeyRow.OnlyId, cancellationToken);

    private async Task LoadRootKeyAsync(RootKeyRow? canary, CancellationToken cancellationToken)
    {
        var wanted = canary is null ? "" : $" This database needs the key with fingerprint {canary.Fingerprint}.";
        if (Source is not { } source)
        {
            throw new StartupException(
                "Set Encryption:RootKeyFile (environment: Encryption__RootKeyFile) to a file with the root key: 32 random bytes in base64, "
                + "as `openssl rand -base64 32` makes them. Or set Encryption:RootKey:Provider." + wanted);
        }

        if (canary is null && configured.Current is null && !File.Exists(DefaultFile))
        {
            FileRootKeySource.Make(DefaultFile!);
            Made(DefaultFile!);
        }

        try
        {
            var key = await source.ReadAsync(cancellationToken);
            rootKey.Load(key, configured.Previous is { } previous ? await previous.ReadAsync(cancellationToken) : null);
        }
        catch (StartupException exception)
        {
            throw new StartupException(exception.Message + wanted);
        }
    }

    private async Task PlantCanaryAsync(CancellationToken cancellationToken)
    {
        var planted = new RootKeyRow
        {
            Id = RootKeyRow.OnlyId,
            Fingerprint = rootKey.Fingerprint,
            Canary = rootKey.Encrypt("Secrets"u8, CanaryPurpose),
            ProbedAt = time.GetUtcNow(),
        };
        try
        {
            await db.InTransactionAsync(
                async token =>
                {
                    // Saved first: other replicas that start at the same time fail here, before they check that the database is empty.
                    db.RootKeys.Add(planted);
                    await db.SaveChangesAsync(token);
                    await contents.MakeAsync(token);
                    return true;
                },
                cancellationToken);
        }
        catch (UniqueViolationException)
        {
            // Another replica planted the canary first. Its root key counts; this replica proves its own key against that canary.
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Moved {Count} entries from root key {Previous} to {Fingerprint}. Older backups still need the previous key")]
    private partial void Moved(int count, string? previous, string fingerprint);

    [LoggerMessage(Level = LogLevel.Information, Message = "Made a root key in {Path}. Keep this file: without it, no stored value can be opened")]
    private partial void Made(string path);
}
