using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Secrets.Infrastructure;

/// <summary>How settings become options.</summary>
public static class SettingsBinding
{
    /// <summary>Options from a section of the configuration. A value that cannot be read, or is not valid, stops the start with its name.</summary>
    public static OptionsBuilder<T> AddSettings<T>(this IServiceCollection services, string section)
        where T : class =>
        services.AddOptionsWithValidateOnStart<T>().Configure<IConfiguration>((options, configuration) =>
        {
            try
            {
                configuration.GetSection(section).Bind(options);
            }
            catch (InvalidOperationException exception)
            {
                throw new StartupException(exception.Message, exception);
            }
        });
}
