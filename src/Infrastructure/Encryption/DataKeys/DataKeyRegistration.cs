using Secrets.Application.Secrets;

namespace Secrets.Infrastructure.Encryption.DataKeys;

internal static class DataKeyRegistration
{
    public static IServiceCollection AddDataKeys(this IServiceCollection services) => services
        .AddSingleton<DataKeyCache>()
        .AddSingleton<DataKeyWrapping>()
        .AddSingleton<DataKeyLookup>()
        .AddScoped<CurrentDataKeys>()

        // Lazy, because most requests find their data keys in the cache and need no database connection.
        .AddTransient(provider => new Lazy<CurrentDataKeys>(provider.GetRequiredService<CurrentDataKeys>))
        .AddTransient<ISealer, Sealer>();
}
