using Microsoft.EntityFrameworkCore;
using Secrets.Infrastructure.Persistence.Postgres;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.SqlServer;

/// <summary>That the tests of the Api fail where a query is of PostgreSQL alone.</summary>
public sealed class TranslatingQueries
{
    [Fact]
    public void A_query_for_one_database_is_translated_for_the_other()
    {
        using var db = NewContext();
        Guid[] ids = [Guid.Empty, Guid.AllBitsSet];

        _ = db.Secrets.Where(secret => ids.Contains(secret.Id) && secret.Id > ids[0] && secret.OwnerId == "u").OrderBy(secret => secret.Id).ToQueryString();

        Assert.Contains(SqlServerTranslation.Statements, sql => sql.Contains("[s].[id] >", StringComparison.Ordinal) && sql.Contains("[s].[owner_id] = 0x75", StringComparison.Ordinal));
    }

    [Fact]
    public void A_query_that_only_one_database_understands_fails()
    {
        using var db = NewContext();

        Assert.Throws<InvalidOperationException>(() => db.Secrets.Where(secret => EF.Functions.ILike(secret.Name, "a%")).ToQueryString());
    }

    private static PostgresSecretsDbContext NewContext()
    {
        var options = new DbContextOptionsBuilder<PostgresSecretsDbContext>();
        PostgresEngine.Configure(options, "Host=nowhere");
        options.AddInterceptors(SqlServerTranslation.Instance);
        return new PostgresSecretsDbContext(options.Options);
    }
}
