using System.Text.RegularExpressions;
using Secrets.Infrastructure.Foundation;
using Serilog;
using Serilog.Formatting.Json;

namespace Secrets.Api.CommandLine;

/// <summary>Reports why the service or a command cannot start.</summary>
internal static partial class StartFailure
{
    /// <summary>Writes one sentence to standard error, and in Production one JSON line to standard output, where the log is.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> ReportAsync(string problem, string[] arguments)
    {
        await Console.Error.WriteLineAsync($"Secrets cannot start: {problem}");
        if (IsProduction(arguments))
        {
            await using var log = new LoggerConfiguration().WriteTo.Console(new JsonFormatter(renderMessage: true)).CreateLogger();
            log.Fatal("Secrets cannot start: {Reason:l} ({Setting:l})", problem, SettingName().Match(problem) is { Success: true } named ? named.Value : "no setting");
        }

        return 1;
    }

    /// <summary>The sentences of a failed start; null: the exception is a fault of the service.</summary>
    public static string? Describe(Exception exception) => exception switch
    {
        StartupException or FailureException => exception.Message,
        OptionsValidationException invalid => string.Join(' ', invalid.Failures),
        AggregateException { InnerExceptions: var all } when all.Select(Describe).ToList() is var sentences && !sentences.Contains(null) => string.Join(' ', sentences),
        _ => null,
    };

    // The rule of ASP.NET Core. The configuration may be what failed.
    private static bool IsProduction(string[] arguments) => string.Equals(
        SettingArguments.Find(arguments, "environment")
            ?? Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") ?? Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT") ?? Environments.Production,
        Environments.Production,
        StringComparison.OrdinalIgnoreCase);

    /// <summary>The first name of a setting in a message, such as <c>Quota:BytesPerOwner</c>.</summary>
    [GeneratedRegex(@"\b[A-Z]\w+(?::[A-Z]\w+)+\b", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex SettingName();
}
