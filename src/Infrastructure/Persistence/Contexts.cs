using Microsoft.EntityFrameworkCore.Infrastructure;
using Secrets.Infrastructure.Batching;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Configures a context for a connection string and a part of its connections.</summary>
internal delegate void ConfigureContext(DbContextOptionsBuilder options, string connectionString, ConnectionShare share);

/// <summary>Registers contexts: a scoped <see cref="SecretsDbContext"/> for requests, a factory for batches.</summary>
internal static class Contexts
{
    public static void AddContexts<TContext>(this IServiceCollection services, ConfigureContext configure)
        where TContext : SecretsDbContext
    {
        services.AddDbContextPool<SecretsDbContext, TContext>((provider, options) => Configure(provider, options, isForBatches: false));
        services.AddSingleton<IDbContextFactory<SecretsDbContext>>(
            provider => new BatchContexts<TContext>(options => Configure(provider, options.UseApplicationServiceProvider(provider), isForBatches: true)));

        void Configure(IServiceProvider provider, DbContextOptionsBuilder options, bool isForBatches) => configure(
            options,
            provider.GetRequiredService<IDatabaseServer>().ConnectionString,
            new ConnectionShare(isForBatches, provider.GetRequiredService<IOptions<GroupCommitOptions>>().Value.Committers));
    }

    private sealed class BatchContexts<TContext>(Action<DbContextOptionsBuilder> configure) : IDbContextFactory<SecretsDbContext>
        where TContext : SecretsDbContext
    {
        // Lazy, because the address of the database is known only after its start.
        private readonly Lazy<PooledDbContextFactory<TContext>> _pool = new(() =>
        {
            var options = new DbContextOptionsBuilder<TContext>();
            configure(options);
            return new PooledDbContextFactory<TContext>(options.Options);
        });

        public SecretsDbContext CreateDbContext() => _pool.Value.CreateDbContext();
    }
}
