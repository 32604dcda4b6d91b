using System.Reflection;
using Secrets.Infrastructure.Foundation;
using Serilog;
using Serilog.Extensions.Logging;

namespace Secrets.Api;

/// <summary>What may reach a log.</summary>
internal static class Logging
{
    // The framework logs paths, queries and arguments of actions, and attaches the path to every line of a request. Any of them
    // may hold a value that somebody sent to the wrong place. RequestLog says what is needed.
    private static readonly (string Category, LogLevel Least)[] Limits =
        [("Microsoft.AspNetCore", LogLevel.Warning), ("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None)];

    // With a stack, and in front of the sentence that says what to change.
    private const string SaidByPlainSpokenServer = "Unable to start Kestrel.";

    /// <summary>Logs through Serilog as the configuration's section "Serilog" says, less what no setting may turn on.</summary>
    public static void AddSafely(this ILoggingBuilder logging, IConfiguration configuration)
    {
        logging.SetMinimumLevel(LogLevel.Trace).AddSerilog(Configured(configuration), dispose: true);
        foreach (var (category, least) in Limits)
        {
            // For its own provider by name: Serilog adds a rule for that which lets everything pass, and goes before any for all.
            logging.AddFilter(category, least).AddFilter<SerilogLoggerProvider>(category, least);
        }
    }

    private static Serilog.Core.Logger Configured(IConfiguration configuration)
    {
        try
        {
            return new LoggerConfiguration().ReadFrom.Configuration(configuration)
                .Filter.ByExcluding(line => line.MessageTemplate.Text is SaidByPlainSpokenServer)
                .CreateLogger();
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException or TargetInvocationException or IOException)
        {
            throw new StartupException($"The section Serilog of the configuration is not valid: {exception.GetBaseException().Message.TrimEnd()}", exception);
        }
    }
}
