using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Jwt;

/// <summary>
/// The issuer with which names of users are turned into ids, as it was at the first name. With another, the same names would be other users.
/// </summary>
public interface IUserIssuer
{
    /// <summary>The stored issuer; null: no name was turned into an id yet.</summary>
    string? Read();

    /// <summary>Stores another issuer in its place.</summary>
    Task ReplaceAsync(string issuer, CancellationToken cancellationToken);
}

/// <inheritdoc />
internal sealed partial class UserIssuer(IDbContextFactory<SecretsDbContext> contexts, KeyRing keys, TimeProvider time, ILogger<UserIssuer> logger) : IUserIssuer
{
    // That this process has found stored, or has stored.
    private volatile string? _kept;

    /// <inheritdoc />
    public string? Read() => keys.Read().UserIssuer;

    /// <summary>Stores the issuer, if none is stored.</summary>
    /// <exception cref="UnavailableException">Another is stored. A replica with the right settings, or this one after its next start, can answer.</exception>
    public async ValueTask RequireAsync(string issuer, CancellationToken cancellationToken)
    {
        _kept ??= Read() ?? await KeepAsync(issuer, cancellationToken);
        if (!string.Equals(_kept, issuer, StringComparison.Ordinal))
        {
            Another(_kept, issuer);
            throw new UnavailableException();
        }
    }

    /// <inheritdoc />
    public Task ReplaceAsync(string issuer, CancellationToken cancellationToken) => ChangeAsync(records => records.WithUserIssuer(issuer), cancellationToken);

    private async Task<string> KeepAsync(string issuer, CancellationToken cancellationToken)
    {
        var kept = issuer;
        await ChangeAsync(
            records =>
            {
                kept = records.UserIssuer ?? issuer;
                return records.UserIssuer is null ? records.WithUserIssuer(issuer) : null;
            },
            cancellationToken);
        return kept;
    }

    private async Task ChangeAsync(Func<KeyRecords, KeyRecords?> change, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await keys.ChangeAsync(db, change, AuditEvent.ByService(AuditAction.KeysChange, time.GetUtcNow()), cancellationToken);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Names of users were turned into ids with the issuer {Kept}, and now it is {Issuer}: no name is looked up until Auth:Users:Issuer says the former again")]
    private partial void Another(string kept, string issuer);
}
