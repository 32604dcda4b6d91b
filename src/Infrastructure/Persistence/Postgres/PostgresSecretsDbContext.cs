using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Secrets.Infrastructure.Persistence.Postgres;

internal sealed class PostgresSecretsDbContext(DbContextOptions<PostgresSecretsDbContext> options) : SecretsDbContext(options)
{
    protected override IDatabaseFaults Faults { get; } = new PostgresFaults();

    protected override string BinaryCollation => "C";

    /// <summary>For the command line that adds migrations (eng/add-migration); it never connects.</summary>
    internal sealed class DesignTime : IDesignTimeDbContextFactory<PostgresSecretsDbContext>
    {
        public PostgresSecretsDbContext CreateDbContext(string[] args)
        {
            var options = new DbContextOptionsBuilder<PostgresSecretsDbContext>();
            PostgresEngine.Configure(options, "Host=localhost");
            return new PostgresSecretsDbContext(options.Options);
        }
    }
}
