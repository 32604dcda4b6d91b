using Microsoft.Extensions.Configuration;
using Secrets.Domain.Text;

namespace Secrets.Infrastructure.Foundation;

/// <summary>Binds settings to options.</summary>
public static class SettingsBinding
{
    /// <summary>The rule of <see cref="IsExact"/> for error messages. The name of the setting precedes it.</summary>
    internal const string ExactRule = "must not be blank, begin or end with white space, or contain control characters or a byte order mark";

    private const char ByteOrderMark = '\uFEFF';

    /// <summary>Binds options to a section of the configuration. An unreadable or invalid value stops the start; the message names the setting.</summary>
    public static OptionsBuilder<T> AddSettings<T>(this IServiceCollection services, string section)
        where T : class =>
        services.AddSingleton(new BoundSettings(section, typeof(T))).AddOptionsWithValidateOnStart<T>().Configure<IConfiguration>((options, configuration) =>
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

    /// <summary>
    /// Stops the start if no header or claim can equal a text, for example because an editor added a line break. An empty text counts as not set:
    /// many tools unset an environment variable that way.
    /// </summary>
    public static OptionsBuilder<T> ValidateExactText<T>(this OptionsBuilder<T> options, string name, Func<T, string?> text)
        where T : class =>
        options.Validate(
            settings => text(settings) is not { Length: > 0 } given || IsExact(given),
            $"{name} {ExactRule}. Correct the setting or remove it.");

    /// <summary>Whether a header or a claim can be equal to a text.</summary>
    internal static bool IsExact(string text) => ExactText.IsClean(text) && !text.Contains(ByteOrderMark, StringComparison.Ordinal);
}
