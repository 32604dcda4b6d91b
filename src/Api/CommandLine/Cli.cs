using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Api.CommandLine;

/// <summary>The command line: commands, options, and settings as <c>--Section:Name=value</c>.</summary>
internal static partial class Cli
{
    /// <summary>Exit code of arguments that are not understood.</summary>
    public const int Misused = 2;

    /// <summary>Exit code of a verification that found faults.</summary>
    public const int FoundFaults = 3;

    private const string MigrateOption = "--migrate";

    /// <summary>How long a command waits for the database server.</summary>
    private static readonly Option<TimeSpan?> Wait = new("--wait-for-database")
    {
        Description = "Wait so long for a database server that does not answer, such as 60s or 2m.",
        HelpName = "duration",
        Recursive = true,
        CustomParser = result => Durations.Parse(result.Tokens.Single().Value) ?? Fail(result),
    };

    /// <summary>Runs the command in the arguments and returns the exit code.</summary>
    /// <param name="arguments">The arguments of the process.</param>
    /// <param name="build">Builds the service with these arguments as configuration.</param>
    /// <exception cref="StartupException">The command failed. The message is one sentence.</exception>
    public static async Task<int> RunAsync(string[] arguments, Func<string[], WebApplication> build)
    {
        var (settings, others, withoutValue) = SettingArguments.Separate(arguments);

        // Without response files: an argument that begins with @ may be a part of a value.
        var parsed = Root(more => build([.. settings, .. more])).Parse(others, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if ((withoutValue is null ? ProblemOf(parsed) : $"A setting in {withoutValue.Split(':')[0]} has no value") is { } problem)
        {
            await Console.Error.WriteLineAsync($"{problem.TrimEnd('.')}. Run Secrets.Api --help.");
            return Misused;
        }

        return await parsed.InvokeAsync(new InvocationConfiguration
        {
            // Program reports failures, and the host of the service handles termination.
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        });
    }

    /// <summary>Builds the service for a command, with the settings in its arguments.</summary>
    public static WebApplication BuildFor(this Func<string[], WebApplication> build, ParseResult result) =>
        build(result.GetValue(Wait) is { } wait ? [$"--{DatabaseOptions.WaitSetting}={wait.TotalSeconds:0}"] : []);

    /// <summary>Asks for confirmation.</summary>
    public static async Task<bool> IsConfirmedAsync(string question)
    {
        await Console.Out.WriteAsync($"{question} [y/N] ");
        return await Console.In.ReadLineAsync() is "y" or "Y" or "yes";
    }

    private static RootCommand Root(Func<string[], WebApplication> build)
    {
        var migrate = new Option<bool>(MigrateOption) { Description = "The same as the command migrate." };
        var serve = new Command("serve", "Serve secrets until the process is stopped. This is the default.");
        serve.SetAction((result, _) => ServeAsync(build, result));
        var root = new RootCommand("Serves secrets. Settings are read from the environment and from arguments, such as --Quota:BytesPerOwner=2097152.")
        {
            migrate,
            Wait,
            serve,
            DatabaseCommands.Migrate(build),
            DatabaseCommands.Check(build),
            KeyCommands.Keys(build),
            AuditCommands.Audit(build),
            IntegrityCommands.Integrity(build),
            UserCommands.Users(build),
        };
        root.SetAction((result, cancellation) => result.GetValue(migrate)
            ? DatabaseCommands.MigrateAsync(build, result, createsDatabase: false, finishes: false, cancellation)
            : ServeAsync(build, result));
        return root;
    }

    private static async Task<int> ServeAsync(Func<string[], WebApplication> build, ParseResult result)
    {
        await build.BuildFor(result).ServeAsync();
        return 0;
    }

    /// <summary>The first error in a sentence. A word that cannot be a command or an option is not repeated: it may be a part of a secret value.</summary>
    private static string? ProblemOf(ParseResult parsed) =>
        parsed.Errors.Count == 0 ? parsed.CommandResult.Command is not RootCommand && parsed.GetValue<bool>(MigrateOption) ? $"{MigrateOption} is a command of its own" : null
        : parsed.UnmatchedTokens.Count == 0 ? parsed.Errors[0].Message
        : CommandOrOption().IsMatch(parsed.UnmatchedTokens[0]) ? $"The argument {parsed.UnmatchedTokens[0]} is unknown; settings have the form --Section:Name=value"
        : "An argument is unknown; settings have the form --Section:Name=value";

    [GeneratedRegex("^(?:--)?[a-z][a-z-]{1,30}$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex CommandOrOption();

    private static TimeSpan? Fail(ArgumentResult result)
    {
        result.AddError("--wait-for-database must be a duration, such as 60s or 2m");
        return null;
    }
}
