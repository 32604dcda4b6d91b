using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Secrets.Domain.Text;

namespace Secrets.Infrastructure.Foundation;

/// <summary>How settings become options.</summary>
public static class SettingsBinding
{
    /// <summary>What <see cref="IsExact"/> asks for, after the name of the text.</summary>
    internal const string ExactRule = "must not be blank, begin or end with white space, or contain control characters or a byte order mark";

    private const char ByteOrderMark = '\uFEFF';

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

    /// <summary>
    /// Stops the start over a text that a header or a claim would never be equal to, as an editor or a file leaves it. An empty one is as good as left
    /// out: that is how an environment variable is unset.
    /// </summary>
    /// <param name="options">The options.</param>
    /// <param name="name">The setting, as <c>Auth:Jwt:Audience</c>.</param>
    /// <param name="text">The text.</param>
    public static OptionsBuilder<T> ValidateExactText<T>(this OptionsBuilder<T> options, string name, Func<T, string?> text)
        where T : class =>
        options.Validate(
            settings => text(settings) is not { Length: > 0 } given || IsExact(given),
            $"{name} {ExactRule}. Correct it, or leave it out.");

    /// <summary>Whether a header or a claim can be equal to a text.</summary>
    internal static bool IsExact(string text) => ExactText.IsClean(text) && !text.Contains(ByteOrderMark, StringComparison.Ordinal);
}
