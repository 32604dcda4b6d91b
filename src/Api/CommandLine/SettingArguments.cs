using System.Globalization;

namespace Secrets.Api.CommandLine;

/// <summary>Arguments that are settings: <c>--Section:Name=value</c>, <c>--Section:Name value</c>, <c>/Section:Name=value</c> or <c>Section:Name=value</c>.</summary>
internal static class SettingArguments
{
    // Settings of ASP.NET Core without a section.
    private static readonly HashSet<string> WithoutSection = new(StringComparer.OrdinalIgnoreCase) { "urls", "environment", "AllowedHosts", "contentRoot", "applicationName" };

    /// <summary>The first argument that is no setting, in a sentence; null: there is none.</summary>
    public static string? FindUnknown(IReadOnlyList<string> arguments)
    {
        for (var at = 0; at < arguments.Count; at++)
        {
            var (name, hasValue) = Split(arguments[at]);
            if (arguments[at].EndsWith('='))
            {
                continue; // Hosts of tests pass the name of each section like this.
            }

            if (!IsSetting(name) || (!hasValue && !arguments[at].StartsWith('-') && !arguments[at].StartsWith('/')))
            {
                return $"The argument {arguments[at].Split('=')[0]} is unknown; settings have the form --Section:Name=value";
            }

            if (!hasValue && ++at == arguments.Count)
            {
                return $"The setting {name} has no value";
            }
        }

        return null;
    }

    private static (string Name, bool HasValue) Split(string argument)
    {
        var name = argument.Split('=')[0];
        return (name.TrimStart('-', '/'), name.Length < argument.Length);
    }

    private static bool IsSetting(string name) => name.Contains(':', StringComparison.Ordinal) || name.Contains("__", StringComparison.Ordinal) || WithoutSection.Contains(name);
}

/// <summary>Durations on the command line.</summary>
internal static class Durations
{
    /// <summary>Parses seconds or minutes, such as <c>60s</c>, <c>60</c> or <c>2m</c>; null: neither.</summary>
    public static TimeSpan? Parse(string text)
    {
        var (digits, unit) = text switch
        {
            [.. var number, 's'] => (number, 1),
            [.. var number, 'm'] => (number, 60),
            _ => (text, 1),
        };
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count <= 86_400 ? TimeSpan.FromSeconds((double)count * unit) : null;
    }
}
