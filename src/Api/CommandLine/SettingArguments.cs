using System.Globalization;

namespace Secrets.Api.CommandLine;

/// <summary>Arguments that are settings: <c>--Section:Name=value</c>, <c>--Section:Name value</c>, <c>/Section:Name=value</c> or <c>Section:Name=value</c>.</summary>
internal static class SettingArguments
{
    // Sections of the service, of ASP.NET Core and of Serilog.
    private static readonly HashSet<string> Sections = new(StringComparer.OrdinalIgnoreCase)
    {
        "Audit", "Auth", "Authentication", "ConnectionStrings", "Cors", "Database", "Embedded", "Encryption", "GroupCommit", "Health", "Https", "Kestrel", "Limits", "Logging",
        "Proxies", "Quota", "Resolve", "Serilog", "Settings", "Swagger", "Telemetry",
    };

    // Begins the names of OpenTelemetry's own settings.
    private const string OpenTelemetry = "OTEL_";

    // Settings of ASP.NET Core without a section.
    private static readonly HashSet<string> WithoutSection = new(StringComparer.OrdinalIgnoreCase)
    {
        "urls", "http_ports", "https_ports", "environment", "AllowedHosts", "contentRoot", "applicationName", "shutdownTimeoutSeconds",
    };

    /// <summary>Separates settings from other arguments.</summary>
    /// <returns>The settings as <c>--Section:Name=value</c>; the others; the name of a setting without a value, or null.</returns>
    public static (List<string> Settings, List<string> Others, string? WithoutValue) Separate(IReadOnlyList<string> arguments)
    {
        var (settings, others) = (new List<string>(), new List<string>());
        for (var at = 0; at < arguments.Count; at++)
        {
            var argument = arguments[at];
            var end = argument.IndexOf('=', StringComparison.Ordinal);
            if (NameIn(end < 0 ? argument : argument[..end]) is not { } name || (end < 0 && !(HasPrefix(argument) && CanBeAlone(name))))
            {
                others.Add(argument);
            }
            else if (end >= 0)
            {
                settings.Add($"--{name}={argument[(end + 1)..]}");
            }
            else if (++at == arguments.Count)
            {
                return (settings, others, name);
            }
            else
            {
                settings.Add($"--{name}={arguments[at]}");
            }
        }

        return (settings, others, WithoutValue: null);
    }

    /// <summary>The value of a setting without a section; null: it is not among the arguments.</summary>
    public static string? Find(IReadOnlyList<string> arguments, string name) =>
        Separate(arguments).Settings.LastOrDefault(setting => setting.StartsWith($"--{name}=", StringComparison.OrdinalIgnoreCase))?[(name.Length + 3)..];

    /// <summary>Whether the value may follow as the next argument: <c>--database</c> is an option of a command, <c>--Database:Provider</c> a setting.</summary>
    private static bool CanBeAlone(string name) => name.Contains(':', StringComparison.Ordinal) || !Sections.Contains(name);

    private static bool HasPrefix(string argument) => argument.StartsWith("--", StringComparison.Ordinal) || argument.StartsWith('/');

    /// <summary>The name with colons, as the configuration has it; null: this is not a setting.</summary>
    private static string? NameIn(string text)
    {
        var name = (text.StartsWith("--", StringComparison.Ordinal) ? text[2..] : text.TrimStart('/')).Replace("__", ":", StringComparison.Ordinal);
        return Sections.Contains(name.Split(':')[0]) || WithoutSection.Contains(name) || name.StartsWith(OpenTelemetry, StringComparison.Ordinal) ? name : null;
    }
}

/// <summary>Durations on the command line.</summary>
internal static class Durations
{
    private const int SecondsOfDay = 86_400;

    /// <summary>Parses seconds or minutes, such as <c>60s</c>, <c>60</c> or <c>2m</c>, a day at most; null: neither.</summary>
    public static TimeSpan? Parse(string text)
    {
        var (digits, unit) = text switch
        {
            [.. var number, 's'] => (number, 1L),
            [.. var number, 'm'] => (number, 60L),
            _ => (text, 1L),
        };
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count * unit <= SecondsOfDay ? TimeSpan.FromSeconds(count * unit) : null;
    }
}
