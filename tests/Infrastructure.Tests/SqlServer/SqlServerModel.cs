using Microsoft.EntityFrameworkCore.Metadata;
using Secrets.Infrastructure.Persistence.SqlServer;

namespace Secrets.Infrastructure.Tests.SqlServer;

internal static class SqlServerModel
{
    /// <summary>The model for SQL Server.</summary>
    public static IModel Current { get; } = Make();

    private static IModel Make()
    {
        using var db = new SqlServerSecretsDbContext.DesignTime().CreateDbContext([]);
        return db.Model;
    }
}
