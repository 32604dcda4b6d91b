using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Secrets.Infrastructure.Foundation;

/// <summary>The section <c>Settings</c>: how settings are checked.</summary>
internal sealed class SettingsOptions
{
    public const string Section = "Settings";

    /// <summary>Whether an unknown setting in a section of the service stops the start. Default: true in Production. Otherwise it is a warning.</summary>
    public bool? Strict { get; set; }
}

/// <summary>Finds settings in the sections of the service that do not exist: a misspelt setting would be ignored in silence.</summary>
internal sealed partial class SettingsCheck(
    IConfiguration configuration, IEnumerable<BoundSettings> bound, IHostEnvironment environment, ILogger<SettingsCheck> logger) : IValidateOptions<SettingsOptions>
{
    // Belongs to ASP.NET Core, which has further settings there.
    private const string SectionOfTokens = "Authentication";

    // A name is close if a third of its characters or fewer differ.
    private const int Closeness = 3;

    public ValidateOptionsResult Validate(string? name, SettingsOptions options)
    {
        var unknown = FindUnknown();
        if (unknown.Count > 0 && (options.Strict ?? environment.IsProduction()))
        {
            return ValidateOptionsResult.Fail([.. unknown, $"{SettingsOptions.Section}:{nameof(SettingsOptions.Strict)}=false ignores unknown settings."]);
        }

        unknown.ForEach(Unknown);
        return ValidateOptionsResult.Success;
    }

    /// <summary>A sentence for each unknown setting.</summary>
    private List<string> FindUnknown()
    {
        var known = bound.SelectMany(settings => settings.Known).ToList();
        var sections = bound.Select(settings => settings.Section.Split(':')[0]).Where(section => section is not SectionOfTokens).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return
        [
            .. sections.Order(StringComparer.Ordinal).SelectMany(section => configuration.GetSection(section).AsEnumerable())
                .Where(setting => setting.Value is { Length: > 0 } && setting.Key.Contains(':', StringComparison.Ordinal) && !known.Exists(one => one.Is(setting.Key)))
                .Select(setting => $"{setting.Key} (environment: {setting.Key.Replace(":", "__", StringComparison.Ordinal)}) is no setting of the service.{Advice(setting.Key, known)}"),
        ];
    }

    private static string Advice(string name, IEnumerable<KnownSetting> known)
    {
        var nearest = known.Select(setting => (setting.Path, Distance: Distance(name, setting.Path))).MinBy(one => one.Distance);
        return nearest.Distance * Closeness <= name.Length ? $" Is {nearest.Path} meant?" : "";
    }

    /// <summary>The number of characters to add, remove or replace (Levenshtein), ignoring case.</summary>
    private static int Distance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var at = 1; at <= one.Length; at++)
        {
            var (diagonal, before) = (row[0], row[0] = at);
            for (var to = 1; to <= other.Length; to++)
            {
                var cost = char.ToUpperInvariant(one[at - 1]) == char.ToUpperInvariant(other[to - 1]) ? 0 : 1;
                (diagonal, before) = (row[to], Math.Min(Math.Min(row[to] + 1, before + 1), diagonal + cost));
                row[to] = before;
            }
        }

        return row[^1];
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Problem} It is ignored")]
    private partial void Unknown(string problem);
}
