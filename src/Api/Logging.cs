using Serilog;

namespace Secrets.Api;

/// <summary>What may reach a log.</summary>
internal static class Logging
{
    /// <summary>Logs through Serilog as the configuration's section "Serilog" says, less what no setting may turn on.</summary>
    public static void AddSafely(this ILoggingBuilder logging, IConfiguration configuration) => logging
        .SetMinimumLevel(LogLevel.Trace)

        // The framework logs paths, queries and arguments of actions, and attaches the path to every line of a request. Any of them
        // may hold a value that somebody sent to the wrong place. RequestLog says what is needed.
        .AddFilter("Microsoft.AspNetCore", LogLevel.Warning)
        .AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None)
        .AddSerilog(new LoggerConfiguration().ReadFrom.Configuration(configuration).CreateLogger(), dispose: true);
}
