using System.Data.Common;
using Microsoft.EntityFrameworkCore;

namespace Secrets.Infrastructure.Persistence;

/// <summary>
/// A context's connection, held open for statements of our own and no longer: a request whose context keeps what it opened would hold a connection while it
/// waits for others, up to its end, and enough of them every connection there may be.
/// </summary>
internal readonly struct OpenConnection : IAsyncDisposable
{
    private readonly SecretsDbContext _db;

    private OpenConnection(SecretsDbContext db) => _db = db;

    /// <summary>The connection.</summary>
    public DbConnection Connection => _db.Database.GetDbConnection();

    /// <summary>Opens the context's connection, or goes on with it if it is open.</summary>
    public static async Task<OpenConnection> OpenAsync(SecretsDbContext db, CancellationToken cancellationToken = default)
    {
        await db.Database.OpenConnectionAsync(cancellationToken);
        return new OpenConnection(db);
    }

    public async ValueTask DisposeAsync() => await _db.Database.CloseConnectionAsync();
}
