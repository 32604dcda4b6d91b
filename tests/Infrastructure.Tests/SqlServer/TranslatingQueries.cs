using Microsoft.EntityFrameworkCore;
using Secrets.Infrastructure.Persistence.Postgres;
using Secrets.Infrastructure.Persistence.Rows;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.SqlServer;

/// <summary>The Api tests must fail on a query that only PostgreSQL can run.</summary>
public sealed class TranslatingQueries
{
    [Fact]
    public void A_query_for_one_database_is_translated_for_the_other()
    {
        using var db = NewContext();
        Guid[] ids = [Guid.Empty, Guid.AllBitsSet];

        _ = db.Secrets.Where(secret => ids.Contains(secret.Id) && secret.Id > ids[0] && secret.OwnerId == "u").OrderBy(secret => secret.Id).ToQueryString();

        Assert.Contains(SqlServerTranslation.Statements, sql => sql.Contains("[s].[id] >", StringComparison.Ordinal) && sql.Contains("[s].[owner_key] = CAST(HASHBYTES('SHA2_256', N'u') AS binary(32))", StringComparison.Ordinal));
    }

    [Fact]
    public void A_query_that_only_one_database_understands_fails()
    {
        using var db = NewContext();

        Assert.Throws<InvalidOperationException>(() => db.Secrets.Where(secret => EF.Functions.ILike(secret.Name, "a%")).ToQueryString());
    }

    [Fact]
    public void A_query_fails_that_compares_text_which_SqlServer_would_pad()
    {
        using var db = NewContext();
        string[] names = ["a", "b"];

        Assert.Throws<FormatException>(() => db.Secrets.Where(secret => secret.Name == "a").ToQueryString());
        Assert.Throws<FormatException>(() => db.Secrets.Where(secret => names.Contains(secret.Description)).ToQueryString());
        Assert.Throws<FormatException>(() => db.Secrets.Where(secret => db.ApiKeys.Any(key => key.Name == secret.Name)).ToQueryString());
        Assert.Throws<FormatException>(() => db.Secrets.Select(secret => secret.Name).Distinct().ToQueryString());
        Assert.Throws<FormatException>(() => db.Secrets.Select(secret => secret.Name).Union(db.ApiKeys.Select(key => key.Name)).ToQueryString());
        Assert.Throws<FormatException>(() => db.Audit.GroupBy(row => row.OwnerId).Select(rows => rows.Count()).ToQueryString());
        _ = db.Audit.GroupBy(row => new { row.OwnerId, Exact = row.OwnerId + "|" }).Select(rows => rows.Count()).ToQueryString();
    }

    [Fact]
    public void A_query_fails_that_compares_versions_in_the_audit_without_the_filter_of_the_index()
    {
        using var db = NewContext();

        Assert.Throws<FormatException>(() => db.KeyAccounts.Where(account => db.Audit.Any(row => row.TargetKeyUserId == account.UserId && row.OwnerVersion > account.Version)).ToQueryString());
        _ = db.KeyAccounts.Where(account => db.Audit.Any(row => row.TargetKeyUserId == account.UserId && row.TargetKeyUserId != null && row.OwnerVersion != null && row.OwnerVersion > account.Version)).ToQueryString();

        Assert.Contains(SqlServerTranslation.Statements, sql => sql.Contains(
            "[a].[target_key_user_id] IS NOT NULL AND [a].[owner_version] IS NOT NULL AND [a].[owner_version] > [k].[version]", StringComparison.Ordinal));
    }

    [Fact]
    public void A_query_fails_that_returns_a_constant_which_SqlServer_would_return_as_text()
    {
        using var db = NewContext();

        Assert.Throws<FormatException>(() =>
            db.DataKeys.Select(row => new DataKeyRow { Id = row.Id, OwnerKind = row.OwnerKind, OwnerId = row.OwnerId, Wrapped = row.Wrapped, CreatedAt = default }).ToQueryString());
    }

    [Fact]
    public void Owners_are_compared_by_the_hash_of_their_id()
    {
        using var db = NewContext();
        string[] ids = ["a", "a "];

        _ = db.Secrets.Where(secret => ids.Contains(secret.OwnerId)).ToQueryString();
        _ = db.Audit.Where(row => row.OwnerId != "a").ToQueryString();
        _ = db.Audit.Where(row => row.OwnerId == null && row.OwnerVersion > 7).ToQueryString();
        _ = db.Secrets.FromSql($"SELECT * FROM secrets WHERE size > 1").Where(secret => secret.OwnerId == "a").ToQueryString();
        _ = db.Audit.Where(row => db.Owners.Any(owner => owner.Id == row.OwnerId)).ToQueryString();

        Assert.Contains(SqlServerTranslation.Statements, sql => sql.Contains(
            "([s].[owner_key] = CAST(HASHBYTES('SHA2_256', @ids1) AS binary(32)) OR [s].[owner_key] = CAST(HASHBYTES('SHA2_256', @ids2) AS binary(32)))",
            StringComparison.Ordinal));
        Assert.Contains(SqlServerTranslation.Statements, sql => sql.Contains("[a].[owner_key] <> CAST(HASHBYTES('SHA2_256', N'a') AS binary(32))", StringComparison.Ordinal));
        Assert.Contains(SqlServerTranslation.Statements, sql => sql.Contains("[a].[owner_key] IS NULL", StringComparison.Ordinal));
        Assert.Contains(SqlServerTranslation.Statements, sql => sql.Contains("size > 1", StringComparison.Ordinal)
            && sql.Contains("[s].[owner_key] = CAST(HASHBYTES('SHA2_256', N'a') AS binary(32))", StringComparison.Ordinal));
        Assert.Contains(SqlServerTranslation.Statements, sql => sql.Contains("[o].[id_key] = CAST(HASHBYTES('SHA2_256', [a].[owner_id]) AS binary(32))", StringComparison.Ordinal));
    }

    [Fact]
    public void Workspaces_are_compared_as_they_are()
    {
        using var db = NewContext();
        string[] workspaces = ["support", "b\u00FCro "];

        _ = db.Secrets.Where(secret => secret.Grants.Any(grant => workspaces.Contains(grant.Workspace))).ToQueryString();
        _ = db.Secrets.Where(secret => secret.Grants.Any(grant => grant.Workspace == "b\u00FCro ")).ToQueryString();

        Assert.Contains(SqlServerTranslation.Statements, sql => sql.Contains("[w].[workspace] = 0x62C3BC726F20", StringComparison.Ordinal));
    }

    private static PostgresSecretsDbContext NewContext()
    {
        var options = new DbContextOptionsBuilder<PostgresSecretsDbContext>();
        PostgresEngine.Configure(options, "Host=nowhere");
        options.AddInterceptors(SqlServerTranslation.Instance);
        return new PostgresSecretsDbContext(options.Options);
    }
}
