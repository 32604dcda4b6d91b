using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.RootKeys;

/// <summary>
/// Loads the root key and proves it on the canary before anything is sealed or opened. A wrong or missing key stops the start:
/// otherwise the database would hold ciphertext under two root keys.
/// </summary>
internal sealed partial class RootKeyGuard(
    SecretsDbContext db, RootKey rootKey, RootKeyContents contents, KeyRing ring, IDatabaseServer server, IOptions<EncryptionOptions> options, IHostEnvironment environment,
    TimeProvider time, ILogger<RootKeyGuard> logger)
{
    private const string CanaryPurpose = "canary";

    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        var canary = await FindCanaryAsync(cancellationToken);
        rootKey.Load(ReadOrMake(canary), ReadPrevious());
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
        rootKey.Load(ReadOrMake(canary), ReadPrevious());
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
                $"The root key is the wrong one: this database needs the key with fingerprint {fingerprint}, but the file has the key {rootKey.Fingerprint}"
                + (rootKey.PreviousFingerprint is { } previous ? $" and the file of the previous key {previous}. " : ". ")
                + "Set Encryption:RootKeyFile (environment: Encryption__RootKeyFile) to the file of that key.");
        }
    }

    private byte[]? ReadPrevious() => options.Value.PreviousRootKeyFile is not { Length: > 0 } path ? null
        : File.Exists(path) ? Read(path)
        : throw new StartupException($"The file of the previous root key, {path}, does not exist.");

    private Task<RootKeyRow?> FindCanaryAsync(CancellationToken cancellationToken) =>
        db.RootKeys.AsNoTracking().SingleOrDefaultAsync(row => row.Id == RootKeyRow.OnlyId, cancellationToken);

    private byte[] ReadOrMake(RootKeyRow? canary)
    {
        // In production a generated key would be lost together with its container.
        var given = options.Value.RootKeyFile;
        var path = given ?? (environment.IsProduction() ? null : server.DefaultRootKeyFile);
        var wanted = canary is null ? "" : $" This database needs the key with fingerprint {canary.Fingerprint}.";
        if (string.IsNullOrEmpty(path))
        {
            throw new StartupException(
                "Set Encryption:RootKeyFile (environment: Encryption__RootKeyFile) to a file with the root key: 32 random bytes in base64, "
                + "as `openssl rand -base64 32` makes them." + wanted);
        }

        if (File.Exists(path))
        {
            return Read(path);
        }

        if (given is not null || canary is not null)
        {
            throw new StartupException($"The root key file {path} does not exist." + wanted);
        }

        return Make(path);
    }

    private static byte[] Read(string path)
    {
        try
        {
            var key = Convert.FromBase64String(File.ReadAllText(path).Trim());
            if (key.Length == AesGcmBox.KeySize)
            {
                return key;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The root key file {path} cannot be read.");
        }
        catch (FormatException)
        {
            // Reported below. The message must not contain the content of the file.
        }

        throw new StartupException($"The root key file {path} must hold {AesGcmBox.KeySize} bytes in base64.");
    }

    private byte[] Make(string path)
    {
        var key = RandomNumberGenerator.GetBytes(AesGcmBox.KeySize);
        var creation = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            creation.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var file = new FileStream(path, creation);
        using var writer = new StreamWriter(file);
        writer.WriteLine(Convert.ToBase64String(key));
        writer.Flush();
        file.Flush(flushToDisk: true);
        Made(path);
        return key;
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
