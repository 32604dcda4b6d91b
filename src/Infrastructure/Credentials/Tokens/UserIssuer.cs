using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>The issuer that turns user names into ids, stored with the first name. Under another issuer, the same names would be other users.</summary>
public interface IUserIssuer
{
    /// <summary>The stored issuer in the keys that this process last read; null before the first name.</summary>
    string? Stored { get; }

    /// <summary>Replaces the stored issuer. Returns false if it is stored already.</summary>
    /// <exception cref="StartupException">No token can have this issuer.</exception>
    Task<bool> ReplaceAsync(string issuer, CancellationToken cancellationToken);
}

/// <inheritdoc />
internal sealed partial class UserIssuer(IDbContextFactory<SecretsDbContext> contexts, KeyRing keys, TimeProvider time, ILogger<UserIssuer> logger) : IUserIssuer
{
    // The stored issuer in the last log message.
    private string? _reported;

    /// <inheritdoc />
    public string? Stored => keys.UserIssuer;

    /// <summary>Stores the issuer if none is stored.</summary>
    /// <exception cref="UnavailableException">Another issuer is stored. A replica with the right settings can answer.</exception>
    public async ValueTask RequireAsync(string issuer, CancellationToken cancellationToken)
    {
        var stored = Stored ?? keys.Read().UserIssuer ?? await StoreFirstAsync(issuer, cancellationToken);
        if (string.Equals(stored, issuer, StringComparison.Ordinal))
        {
            return;
        }

        // Logged once, not for each name.
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

    [LoggerMessage(Level = LogLevel.Error, Message = "User names belong to the issuer {Stored}, but this replica's settings name {Issuer}. It answers names with 503. Restart it with the stored issuer in Auth:Users:Issuer")]
    private partial void DiffersFromStored(string stored, string issuer);
}
