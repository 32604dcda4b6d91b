using System.Reflection;
using Secrets.Infrastructure.Foundation;
using Serilog;
using Serilog.Extensions.Logging;

namespace Secrets.Api;

/// <summary>The logger and its limits.</summary>
internal static class Logging
{
    // The framework logs paths, queries and action arguments, and attaches the path to every line of a request. Each of these
    // may contain a value that was sent to the wrong place. RequestLog logs the necessary parts.
    private static readonly (string Category, LogLevel Least)[] Limits =
        [("Microsoft.AspNetCore", LogLevel.Warning), ("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None)];

    // The framework logs this with a stack trace, before StartupErrorServer reports the cause.
    private const string MessageOfKestrel = "Unable to start Kestrel.";

    /// <summary>Logs through Serilog with the configuration section "Serilog". No setting can enable the excluded categories.</summary>
    public static void AddSafely(this ILoggingBuilder logging, IConfiguration configuration)
    {
        logging.SetMinimumLevel(LogLevel.Trace).AddSerilog(Configured(configuration), dispose: true);
        foreach (var (category, least) in Limits)
        {
            // Also for the Serilog provider by name: Serilog adds a rule for it that passes everything and precedes general rules.
            logging.AddFilter(category, least).AddFilter<SerilogLoggerProvider>(category, least);
        }
    }

    private static Serilog.Core.Logger Configured(IConfiguration configuration)
    {
        try
        {
            return new LoggerConfiguration().ReadFrom.Configuration(configuration)
                .Filter.ByExcluding(line => line.MessageTemplate.Text is MessageOfKestrel)
                .CreateLogger();
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException or TargetInvocationException or IOException)
        {
            throw new StartupException($"The section Serilog of the configuration is not valid: {exception.GetBaseException().Message.TrimEnd()}", exception);
        }
    }
}
