using System.Data.Common;

namespace Secrets.Infrastructure.Persistence;

/// <summary>
/// Keeps a context's connection open for one handwritten statement. A context that kept the connection until the request ends would hold it while waiting
/// for other work, and many such requests would exhaust the pool.
/// </summary>
internal readonly struct OpenConnection : IAsyncDisposable
{
    private readonly SecretsDbContext _db;

    private OpenConnection(SecretsDbContext db) => _db = db;

    public DbConnection Connection => _db.Database.GetDbConnection();

    /// <summary>Opens the context's connection unless it is open.</summary>
    public static async Task<OpenConnection> OpenAsync(SecretsDbContext db, CancellationToken cancellationToken = default)
    {
        await db.Database.OpenConnectionAsync(cancellationToken);
        return new OpenConnection(db);
    }

    public async ValueTask DisposeAsync() => await _db.Database.CloseConnectionAsync();
}
