using System.Globalization;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Integrity;

/// <summary>Makes the integrity key at the first start, and loads it at every other.</summary>
internal sealed class IntegrityKeyLoader(SecretsDbContext db, RootKey rootKey, IntegrityKey integrity)
{
    private const int FirstNumber = 1;

    /// <summary>Makes the key, to be stored by the caller's transaction.</summary>
    public void Make()
    {
        var key = RandomNumberGenerator.GetBytes(IntegrityKey.Size);
        integrity.Load(FirstNumber, key);
        db.Add(new IntegrityKeyRow { Number = FirstNumber, Wrapped = rootKey.Encrypt(key, PurposeOf(FirstNumber)) });
    }

    /// <summary>Loads the key, and encrypts it under the current root key if it is under the one before.</summary>
    /// <returns>How many rows that changed.</returns>
    /// <exception cref="StartupException">There is not exactly one key, or it does not open.</exception>
    public async Task<int> LoadAsync(CancellationToken cancellationToken)
    {
        if (await db.IntegrityKeys.ToListAsync(cancellationToken) is not [var row])
        {
            throw new StartupException("The database must have one integrity key, and has none or several: rows were changed outside the service. Restore them from a backup.");
        }

        var key = rootKey.Decrypt(row.Wrapped, PurposeOf(row.Number))
            ?? throw new StartupException("The integrity key does not open with the root key: its row was changed outside the service. Restore it from a backup.");
        integrity.Load(row.Number, key);
        if (rootKey.IsCurrent(row.Wrapped, PurposeOf(row.Number)))
        {
            return 0;
        }

        row.Wrapped = rootKey.Encrypt(key, PurposeOf(row.Number));
        return 1;
    }

    private static string PurposeOf(int number) => string.Create(CultureInfo.InvariantCulture, $"integrity-key/{number}");
}
