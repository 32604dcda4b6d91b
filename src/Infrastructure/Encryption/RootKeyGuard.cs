using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Secrets.Application.Common;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption;

/// <summary>
/// Loads the root key and proves it on the canary, before anything is sealed or opened. The wrong key, or none, stops the start:
/// going on would write a second kind of ciphertext beside the first.
/// </summary>
internal sealed partial class RootKeyGuard(
    SecretsDbContext db, RootKey rootKey, IDatabaseServer server, IOptions<EncryptionOptions> options, IHostEnvironment environment,
    TimeProvider time, ILogger<RootKeyGuard> logger)
{
    private const string CanaryPurpose = "canary";

    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        var canary = await FindCanaryAsync(cancellationToken);
        rootKey.Load(ReadOrMake(canary));
        canary ??= await PlantCanaryAsync(cancellationToken);
        if (!string.Equals(rootKey.Fingerprint, canary.Fingerprint, StringComparison.Ordinal)
            || rootKey.Decrypt(canary.Canary, CanaryPurpose) is null)
        {
            throw new StartupException(
                $"The root key is the wrong one: this database needs the key with fingerprint {canary.Fingerprint}, "
                + $"the file holds {rootKey.Fingerprint}.");
        }
    }

    private Task<RootKeyRow?> FindCanaryAsync(CancellationToken cancellationToken) =>
        db.RootKeys.AsNoTracking().OrderBy(row => row.CreatedAt).FirstOrDefaultAsync(cancellationToken);

    private byte[] ReadOrMake(RootKeyRow? canary)
    {
        // In production a key that was made on the fly would be lost with the container it was made in.
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
            // Said below: the content itself must not get into a message.
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

    private async Task<RootKeyRow> PlantCanaryAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var planted = new RootKeyRow
        {
            Id = RootKeyRow.OnlyId,
            Fingerprint = rootKey.Fingerprint,
            Canary = rootKey.Encrypt("Secrets"u8, CanaryPurpose),
            CreatedAt = now,
            ProbedAt = now,
        };
        try
        {
            return await db.InTransactionAsync(_ => Task.FromResult(db.RootKeys.Add(planted).Entity), cancellationToken);
        }
        catch (UniqueViolationException)
        {
            // Another replica planted it at the same moment, perhaps with another key: whoever came first decides which is right.
            return await FindCanaryAsync(cancellationToken) ?? throw new StartupException("The root key's canary came and went.");
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Made a root key in {Path}: without this file nothing stored here can be opened again")]
    private partial void Made(string path);
}
