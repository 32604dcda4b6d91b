using System.CommandLine;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Api.CommandLine;

/// <summary>The command line: commands, options, and settings as <c>--Section:Name=value</c>.</summary>
internal static class Cli
{
    /// <summary>Exit code of arguments that are not understood.</summary>
    public const int Misused = 2;

    /// <summary>Exit code of a verification that found faults.</summary>
    public const int FoundFaults = 3;

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
        var parsed = Root(build).Parse(arguments);
        var problem = SettingArguments.FindUnknown(parsed.UnmatchedTokens) ?? (parsed.Errors.Count > 0 ? parsed.Errors[0].Message : null);
        if (problem is not null)
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
        build(result.GetValue(Wait) is { } wait ? [.. result.UnmatchedTokens, $"--{DatabaseOptions.WaitSetting}={wait.TotalSeconds:0}"] : [.. result.UnmatchedTokens]);

    /// <summary>Asks for confirmation.</summary>
    public static async Task<bool> IsConfirmedAsync(string question)
    {
        await Console.Out.WriteAsync($"{question} [y/N] ");
        return await Console.In.ReadLineAsync() is "y" or "Y" or "yes";
    }

    private static RootCommand Root(Func<string[], WebApplication> build)
    {
        var migrate = new Option<bool>("--migrate") { Description = "The same as the command migrate." };
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
            ? DatabaseCommands.MigrateAsync(build, result, createsDatabase: false, cancellation)
            : ServeAsync(build, result));
        AllowSettings(root);
        return root;
    }

    private static async Task<int> ServeAsync(Func<string[], WebApplication> build, ParseResult result)
    {
        await build.BuildFor(result).ServeAsync();
        return 0;
    }

    private static void AllowSettings(Command command)
    {
        command.TreatUnmatchedTokensAsErrors = false;
        foreach (var inner in command.Subcommands)
        {
            AllowSettings(inner);
        }
    }

    private static TimeSpan? Fail(System.CommandLine.Parsing.ArgumentResult result)
    {
        result.AddError("--wait-for-database must be a duration, such as 60s or 2m");
        return null;
    }
}
