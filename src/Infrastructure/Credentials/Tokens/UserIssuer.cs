using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>
/// The issuer with which names of users are turned into ids, as it was at the first name. With another, the same names would be other users.
/// </summary>
public interface IUserIssuer
{
    /// <summary>The stored issuer, as this process read the keys last; null: no name was turned into an id yet.</summary>
    string? Stored { get; }

    /// <summary>Stores another issuer in its place. False: that one is stored already, and nothing was written.</summary>
    /// <exception cref="StartupException">No token can have that issuer.</exception>
    Task<bool> ReplaceAsync(string issuer, CancellationToken cancellationToken);
}

/// <inheritdoc />
internal sealed partial class UserIssuer(IDbContextFactory<SecretsDbContext> contexts, KeyRing keys, TimeProvider time, ILogger<UserIssuer> logger) : IUserIssuer
{
    // The other issuer that the log named last.
    private string? _reported;

    /// <inheritdoc />
    public string? Stored => keys.UserIssuer;

    /// <summary>Stores the issuer, if none is stored.</summary>
    /// <exception cref="UnavailableException">Another is stored. A replica with the right settings, or this one after its next start, can answer.</exception>
    public async ValueTask RequireAsync(string issuer, CancellationToken cancellationToken)
    {
        var stored = Stored ?? keys.Read().UserIssuer ?? await StoreFirstAsync(issuer, cancellationToken);
        if (string.Equals(stored, issuer, StringComparison.Ordinal))
        {
            return;
        }

        // Once, and not for each name.
        if (!string.Equals(Interlocked.Exchange(ref _reported, stored), stored, StringComparison.Ordinal))
        {
            DiffersFromStored(stored, issuer);
        }

        throw new UnavailableException();
    }

    /// <inheritdoc />
    public async Task<bool> ReplaceAsync(string issuer, CancellationToken cancellationToken)
    {
        if (!SettingsBinding.IsExact(issuer))
        {
            throw new StartupException($"The issuer {SettingsBinding.ExactRule}.");
        }

        var isReplaced = false;
        await ChangeAsync(
            records =>
            {
                isReplaced = !string.Equals(records.UserIssuer, issuer, StringComparison.Ordinal);
                return isReplaced ? records.WithUserIssuer(issuer) : null;
            },
            AuditAction.UsersSetIssuer,
            cancellationToken);
        return isReplaced;
    }

    private async Task<string> StoreFirstAsync(string issuer, CancellationToken cancellationToken)
    {
        var stored = issuer;
        await ChangeAsync(
            records =>
            {
                stored = records.UserIssuer ?? issuer;
                return records.UserIssuer is null ? records.WithUserIssuer(issuer) : null;
            },
            AuditAction.KeysChange,
            cancellationToken);
        return stored;
    }

    private async Task ChangeAsync(Func<KeyRecords, KeyRecords?> change, AuditAction action, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await keys.ChangeAsync(db, change, AuditEvent.ByService(action, time.GetUtcNow()), cancellationToken);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Names of users are turned into ids with the issuer {Stored}, but the settings of this replica say {Issuer}: names are answered with 503 until it is started with the stored issuer in Auth:Users:Issuer")]
    private partial void DiffersFromStored(string stored, string issuer);
}
