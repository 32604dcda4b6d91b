using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Secrets.Infrastructure.Audit;

namespace Secrets.Infrastructure.Persistence.Postgres;

internal sealed class PostgresSecretsDbContext(DbContextOptions<PostgresSecretsDbContext> options, IDatabaseFaults faults, AuditWriters audit)
    : SecretsDbContext(options, faults, audit)
{
    protected override string BinaryCollation => "C";

    /// <summary>For the command line that adds migrations (eng/add-migration); it never connects.</summary>
    internal sealed class DesignTime : IDesignTimeDbContextFactory<PostgresSecretsDbContext>
    {
        public PostgresSecretsDbContext CreateDbContext(string[] args)
        {
            var options = new DbContextOptionsBuilder<PostgresSecretsDbContext>();
            PostgresEngine.Configure(options, "Host=localhost");
            return new PostgresSecretsDbContext(options.Options, new PostgresFaults(), audit: null!);
        }
    }
}
