using System.Text.RegularExpressions;
using Serilog;
using Serilog.Formatting.Json;

namespace Secrets.Api.CommandLine;

/// <summary>Reports why the service or a command cannot start.</summary>
internal static partial class StartFailure
{
    /// <summary>Writes one sentence to standard error, and in Production one JSON line to standard output, where the log is.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> ReportAsync(Exception problem)
    {
        await Console.Error.WriteLineAsync($"Secrets cannot start: {problem.Message}");
        if (IsProduction())
        {
            await using var log = new LoggerConfiguration().WriteTo.Console(new JsonFormatter(renderMessage: true)).CreateLogger();
            log.Fatal("Secrets cannot start: {Reason:l} ({Setting:l})", problem.Message, SettingName().Match(problem.Message) is { Success: true } named ? named.Value : "no setting");
        }

        return 1;
    }

    // The rule of ASP.NET Core. The configuration may be what failed.
    private static bool IsProduction() => string.Equals(
        Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT") ?? Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") ?? Environments.Production,
        Environments.Production,
        StringComparison.OrdinalIgnoreCase);

    /// <summary>The first name of a setting in a message, such as <c>Quota:BytesPerOwner</c>.</summary>
    [GeneratedRegex(@"\b[A-Z]\w+(?::[A-Z]\w+)+\b", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex SettingName();
}
