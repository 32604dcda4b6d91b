using Microsoft.EntityFrameworkCore.Infrastructure;
using Secrets.Domain.ApiKeys;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Transactions;

/// <summary>Locks accounts for the transaction of a context, and verifies their rows under the lock.</summary>
internal static class AccountLocks
{
    private const string HiddenFromTheLock = "the account can be read but not locked: somebody shows it to one statement and hides it from another";

    private const string HiddenFromAQuery = "a row was hidden from a query, or changed for it";

    extension(SecretsDbContext db)
    {
        /// <summary>Accounts that the transaction locked. To replace, quarantine or release a whole account, call the methods of this object.</summary>
        public LockedAccounts LockedAccounts
        {
            get
            {
                if (db.Accounts is LockedAccounts locked)
                {
                    return locked;
                }

                locked = new LockedAccounts(
                    db, db.GetService<OwnerSeals>(), db.GetService<ApiKeySeals>(), db.GetService<IntegrityKeys>(), db.GetService<AccountCache>());
                db.Accounts = locked;
                return locked;
            }
        }

        /// <summary>Runs a write of one owner in a transaction. Writes of an owner wait for each other in this process before they take a connection.</summary>
        /// <exception cref="UnavailableException">Too many writes of the owner already wait.</exception>
        public async Task<T> InOwnerTransactionAsync<T>(SecretOwner owner, Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
        {
            using var turn = await db.GetService<OwnerWriteQueue>().TakeAsync(owner, cancellationToken);
            return await db.InTransactionAsync(work, cancellationToken);
        }

        /// <summary>Locks an owner until the end of the transaction, and verifies all of the owner's rows.</summary>
        /// <exception cref="TamperedOwnerException">The rows do not verify.</exception>
        public async Task<VerifiedOwner> LockAndVerifyAsync(SecretOwner owner, CancellationToken cancellationToken)
        {
            if (db.LockedAccounts.Find(owner) is { } locked)
            {
                return locked;
            }

            // A missing row cannot be locked. If another transaction inserts the row meanwhile, lock and read again.
            var isLocked = await db.LockRowAsync(owner, cancellationToken) > 0;
            var verified = await db.GetService<OwnerReader>().ReadAsync(db, owner);
            if (!isLocked && verified.Sealed is not null)
            {
                if (await db.LockRowAsync(owner, cancellationToken) == 0)
                {
                    // Without the lock, two transactions could both change the version that they read.
                    await db.GetService<IntegrityAlarms>().RaiseAsync(owner, HiddenFromTheLock);
                    throw new TamperedOwnerException();
                }

                verified = await db.GetService<OwnerReader>().ReadAsync(db, owner);
            }

            db.LockedAccounts.Add(owner, verified);
            return verified;
        }

        /// <summary>Locks the API keys of a user until the end of the transaction, and verifies them.</summary>
        /// <exception cref="TamperedOwnerException">The keys do not verify.</exception>
        public async Task LockKeysAsync(Guid userId, CancellationToken cancellationToken)
        {
            if (db.LockedAccounts.Has(userId))
            {
                return;
            }

            // Read after the lock, in a separate statement, so that the read sees the last committed write.
            var isLocked = await LockKeyAccountAsync(db, userId, cancellationToken) > 0;
            var (keys, fault) = await db.GetService<ApiKeyReader>().ReadAsync(db, userId);
            if (!isLocked && keys?.Sealed is not null)
            {
                (keys, fault) = await LockKeyAccountAsync(db, userId, cancellationToken) == 0
                    ? ((VerifiedApiKeys?)null, (string?)HiddenFromTheLock)
                    : await db.GetService<ApiKeyReader>().ReadAsync(db, userId);
            }

            if (keys is null)
            {
                await db.GetService<IntegrityAlarms>().RaiseKeysAsync(userId, fault!);
                throw new TamperedOwnerException();
            }

            db.LockedAccounts.Add(userId, keys);
        }

        /// <summary>The unrevoked API keys of a locked user, not tracked.</summary>
        /// <exception cref="TamperedOwnerException">They are not the verified ones: somebody has changed them since.</exception>
        public async Task<List<ApiKey>> ReadLockedKeysAsync(Guid userId, CancellationToken cancellationToken)
        {
            var unrevoked = await db.ApiKeys.AsNoTracking().Where(key => key.UserId == userId && key.RevokedAt == null).ToListAsync(cancellationToken);
            if (!db.LockedAccounts.AreVerified(userId, unrevoked))
            {
                await db.GetService<IntegrityAlarms>().RaiseKeysAsync(userId, "a row was changed after it was verified");
                throw new TamperedOwnerException();
            }

            return unrevoked;
        }

        /// <summary>Confirms that a query missed no API key of locked users.</summary>
        /// <exception cref="TamperedOwnerException">It missed one, or somebody has changed the keys since.</exception>
        public async Task RequireNoMissedKeyAsync(IEnumerable<Guid> userIds, Predicate<ApiKey> isMissed, CancellationToken cancellationToken)
        {
            foreach (var userId in userIds)
            {
                if ((await db.ReadLockedKeysAsync(userId, cancellationToken)).Exists(isMissed))
                {
                    await db.GetService<IntegrityAlarms>().RaiseKeysAsync(userId, HiddenFromAQuery);
                    throw new TamperedOwnerException();
                }
            }
        }

        /// <inheritdoc cref="ISecretsDb.RequireNoSecretAsync" />
        public async Task RequireNoSecretAsync(SecretOwner owner, Guid? id, string? name, CancellationToken cancellationToken)
        {
            // A lock changes the owner's stamp, and a request that ends with 404 must not make caches stale. The turn limits how many requests read the whole owner.
            var isLocked = db.Database.CurrentTransaction is not null;
            using var turn = isLocked ? null : await db.GetService<OwnerWriteQueue>().TakeAsync(owner, cancellationToken);
            var verified = isLocked ? await db.LockAndVerifyAsync(owner, cancellationToken) : await db.GetService<OwnerReader>().ReadAsync(db, owner);
            if (verified.Secrets.Any(secret => id is null ? string.Equals(secret.Name, name, StringComparison.Ordinal) : secret.Id == id))
            {
                await db.GetService<IntegrityAlarms>().RaiseAsync(owner, HiddenFromAQuery);
                throw new TamperedOwnerException();
            }
        }

        /// <inheritdoc cref="ISecretsDb.RequireVerifiedAsync" />
        public async Task RequireVerifiedAsync(Secret secret)
        {
            if (!db.LockedAccounts.IsVerified(secret))
            {
                await db.LockedAccounts.ReportAsync();
                throw new TamperedOwnerException();
            }
        }

        /// <summary>Locks the API keys of a user. The unrevoked ones become the account's new state as they are, unless they verify already.</summary>
        /// <returns>The unrevoked keys. Null if the keys verify: then nothing is changed.</returns>
        public async Task<List<ApiKey>?> AdoptKeysAsync(Guid userId, long version, CancellationToken cancellationToken)
        {
            await LockKeyAccountAsync(db, userId, cancellationToken);
            if ((await db.GetService<ApiKeyReader>().ReadAsync(db, userId)).Keys is not null)
            {
                return null;
            }

            var stored = await db.KeyAccounts.AsNoTracking().SingleOrDefaultAsync(row => row.UserId == userId, cancellationToken);
            var unrevoked = await db.ApiKeys.Where(key => key.UserId == userId && key.RevokedAt == null).ToListAsync(cancellationToken);
            db.LockedAccounts.Adopt(userId, stored, unrevoked, version);
            return unrevoked;
        }

        /// <summary>Locks an owner, and seals the owner's account with the newest integrity key.</summary>
        /// <exception cref="TamperedOwnerException">The owner's rows do not verify.</exception>
        public async Task MoveToNewestKeyAsync(SecretOwner owner, CancellationToken cancellationToken)
        {
            await db.LockAndVerifyAsync(owner, cancellationToken);
            db.LockedAccounts.MoveToNewestKey(owner);
        }

        /// <summary>Locks a user's API keys, and seals their account with the newest integrity key.</summary>
        /// <exception cref="TamperedOwnerException">The keys do not verify.</exception>
        public async Task MoveToNewestKeyAsync(Guid userId, CancellationToken cancellationToken)
        {
            await db.LockKeysAsync(userId, cancellationToken);
            db.LockedAccounts.MoveToNewestKey(userId, await db.ReadLockedKeysAsync(userId, cancellationToken));
        }
    }

    /// <summary>Locks the row with an update of the stamp, as for owners. Returns the number of rows.</summary>
    private static Task<int> LockKeyAccountAsync(SecretsDbContext db, Guid userId, CancellationToken cancellationToken) =>
        db.KeyAccounts.Where(row => row.UserId == userId).ExecuteUpdateAsync(set => set.SetProperty(row => row.Stamp, row => row.Stamp + 1), cancellationToken);
}
