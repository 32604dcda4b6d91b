using System.Security.Cryptography;

namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>Numbers the changes of an account, and those of the installation's keys (docs/decisions/0020-the-database-is-not-trusted.md).</summary>
internal static class Versions
{
    // Fits into the 53 bits of a number in JSON until the year 2039.
    private const int RandomBits = 12;

    /// <summary>
    /// The version of the next change: the time in milliseconds and twelve random bits, but always larger than the last version. The database also saw the
    /// seals of transactions that failed, and somebody may have kept one, with its audit row. Its version is smaller than those of later changes, so the audit
    /// shows that it is old. Consecutive numbers would give a later change the same version.
    /// </summary>
    public static long After(long version) =>
        checked(Math.Max(version, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() << RandomBits) + 1 + RandomNumberGenerator.GetInt32(1 << RandomBits));
}
