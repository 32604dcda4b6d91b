using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;

namespace Secrets.Infrastructure.Foundation;

/// <summary>Lists the settings of the service for an operator: each value, and where it comes from.</summary>
internal sealed class EffectiveSettings(IConfiguration configuration, IEnumerable<BoundSettings> bound)
{
    private const string Mask = "***";

    // Settings that no options are bound to.
    private static readonly KnownSetting[] Others = [new("ConnectionStrings:Secrets", IsCollection: false, Default: null), new("urls", IsCollection: false, Default: null)];

    // Names of settings whose values are secret end with one of these.
    private static readonly string[] SecretEnds = ["Key", "Password", "Secret", "Secrets", "Headers", "Command"];

    /// <summary>A line for each setting, ordered by name. Secret values are masked.</summary>
    public IEnumerable<string> Lines() => bound.SelectMany(settings => settings.Known).Concat(Others)
        .DistinctBy(setting => setting.Path, StringComparer.OrdinalIgnoreCase)
        .OrderBy(setting => setting.Path, StringComparer.Ordinal)
        .SelectMany(LinesOf);

    private IEnumerable<string> LinesOf(KnownSetting setting)
    {
        var names = configuration.AsEnumerable().Where(one => one.Value is not null && setting.Is(one.Key)).Select(one => one.Key).Order(StringComparer.Ordinal).ToList();
        return names.Count == 0
            ? [$"{setting.Path} = {Convert.ToString(setting.Default, CultureInfo.InvariantCulture)} (default)"]
            : names.Select(name => $"{(setting.IsCollection ? name : setting.Path)} = {Shown(name)} ({OriginOf(name)})");
    }

    private string? Shown(string name) => SecretEnds.Any(end => name.EndsWith(end, StringComparison.OrdinalIgnoreCase)) ? Mask : configuration[name];

    private string OriginOf(string name) => (configuration as IConfigurationRoot)?.Providers.LastOrDefault(provider => provider.TryGet(name, out _)) switch
    {
        EnvironmentVariablesConfigurationProvider => "environment",
        CommandLineConfigurationProvider => "argument",
        JsonConfigurationProvider { Source.Path: { } file } => file,
        _ => "service",
    };
}
