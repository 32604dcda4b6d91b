using System.CommandLine;
using Secrets.Infrastructure;

namespace Secrets.Api.CommandLine;

/// <summary>Commands for the database and for everything that a start needs.</summary>
internal static class DatabaseCommands
{
    public static Command Migrate(Func<string[], WebApplication> build)
    {
        var create = new Option<bool>("--create-database") { Description = "Create the database if it does not exist." };
        var finish = new Option<bool>("--finish") { Description = "Finish an upgrade, after the last replica of the older version has ended." };
        var migrate = new Command("migrate", "Apply missing migrations to the database, and say which.") { create, finish };
        migrate.SetAction((result, cancellation) => MigrateAsync(build, result, result.GetValue(create), result.GetValue(finish), cancellation));
        return migrate;
    }

    public static async Task<int> MigrateAsync(
        Func<string[], WebApplication> build, ParseResult result, bool createsDatabase, bool finishes, CancellationToken cancellationToken)
    {
        var migrated = await build.BuildFor(result).Services.MigrateAsync(createsDatabase, finishes, cancellationToken);
        foreach (var migration in migrated.Applied)
        {
            await Console.Out.WriteLineAsync($"Applied {migration}.");
        }

        await Console.Out.WriteLineAsync(migrated.Waiting.Count == 0
            ? "The database is current."
            : "The database can be used by this version and the one before. After the last replica of the older version has ended, run `Secrets.Api migrate --finish`.");
        return 0;
    }

    public static Command Check(Func<string[], WebApplication> build)
    {
        var print = new Option<bool>("--print") { Description = "Print every setting and where it comes from. Keys and passwords are masked." };
        var check = new Command("check", "Check the configuration, the database and the root key, in this order, and change nothing.") { print };
        check.SetAction(async (result, cancellation) =>
        {
            var services = build.BuildFor(result).Services;
            if (result.GetValue(print))
            {
                foreach (var line in services.PrintSettings())
                {
                    await Console.Out.WriteLineAsync(line);
                }
            }

            await foreach (var line in services.CheckAsync(cancellation))
            {
                await Console.Out.WriteLineAsync(line);
            }

            return 0;
        });
        return check;
    }
}
