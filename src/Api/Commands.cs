using System.CommandLine;
using Secrets.Infrastructure;
using Secrets.Infrastructure.Credentials.ApiKeys;
using Secrets.Infrastructure.Credentials.Tokens;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Integrity.Recovery;

namespace Secrets.Api;

/// <summary>The commands of the process. Other arguments are configuration.</summary>
internal static class Commands
{
    private const int ExitCodeOfFaults = 3;

    /// <summary>Runs the command in the arguments and returns the exit code.</summary>
    /// <param name="arguments">The arguments of the process.</param>
    /// <param name="build">Builds the service with these arguments as configuration.</param>
    /// <exception cref="StartupException">The command failed. The message is one sentence.</exception>
    public static Task<int> RunAsync(string[] arguments, Func<string[], WebApplication> build) =>
        Root(build).Parse(arguments).InvokeAsync(new InvocationConfiguration
        {
            // Program reports failures, and the host of the service handles termination.
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        });

    private static RootCommand Root(Func<string[], WebApplication> build)
    {
        var migrate = new Option<bool>("--migrate") { Description = "Apply missing migrations to the database, and exit." };
        var root = new RootCommand("Serves secrets. Settings are read from the environment and from arguments, such as --Quota:BytesPerOwner=2097152.")
        {
            migrate,
            Keys(build),
            Integrity(build),
            Users(build),
        };
        root.TreatUnmatchedTokensAsErrors = false;
        root.SetAction(async (result, cancellation) =>
        {
            var app = build([.. result.UnmatchedTokens]);
            await (result.GetValue(migrate) ? app.Services.MigrateAsync(cancellation) : app.ServeAsync());
            return 0;
        });
        return root;
    }

    private static Command Keys(Func<string[], WebApplication> build)
    {
        var createFirst = new Command("create-first", "Make the first API key, with every scope, and print it. Fails if an operator's API key exists.");
        createFirst.SetAction((result, cancellation) => build([.. result.UnmatchedTokens]).Services.WithDatabaseAsync<IFirstKey>(
            async first =>
            {
                if (await first.MakeIfMissingAsync(cancellation) is not { } key)
                {
                    await Console.Error.WriteLineAsync("An operator's API key already exists, in the database or as Auth:BootstrapKey. Nothing was changed.");
                    return 1;
                }

                await Console.Out.WriteLineAsync(key);
                return 0;
            },
            cancellation));
        return new Command("keys", "Manage API keys.") { createFirst };
    }

    private static Command Integrity(Func<string[], WebApplication> build)
    {
        var list = new Command("list", $"Verify all owners and API keys, and list those that do not verify. The exit code is then {ExitCodeOfFaults}.");
        list.SetAction((result, cancellation) => build([.. result.UnmatchedTokens]).Services.WithDatabaseAsync<IIntegrityCommands>(
            async integrity =>
            {
                var count = 0;
                await foreach (var line in integrity.ListAsync(cancellation))
                {
                    count++;
                    await Console.Out.WriteLineAsync(line);
                }

                await Console.Out.WriteLineAsync(count == 0 ? "Everything verifies." : $"{count} do not verify.");
                return count == 0 ? 0 : ExitCodeOfFaults;
            },
            cancellation));

        var yes = new Option<bool>("--yes") { Description = "Do not ask for confirmation." };
        var owner = new Option<string>("--owner") { Description = "user:<uuid> or organization:<id>." };
        var database = new Option<bool>("--database")
        {
            Description = "After restoring a backup: accept the audit without the rows since the last checkpoint. Run this once for each replica that keeps a checkpoint.",
        };
        var accept = new Command(
            "accept",
            "Accept the stored rows of an owner. Secrets that do not open or contradict the audit are removed. If a user's API keys do not verify, all are revoked.")
        {
            owner,
            database,
            yes,
        };
        accept.SetAction((result, cancellation) =>
        {
            return (result.GetValue(owner), result.GetValue(database)) switch
            {
                (null, true) => ChangeAsync(build, result, yes, "Accept the audit that is in the database now?", integrity => integrity.AcceptDatabaseAsync(cancellation), cancellation),
                ({ } name, false) when OwnerOf(name) is var accepted => ChangeAsync(
                    build,
                    result,
                    yes,
                    $"Accept the stored rows of {OwnerNames.For(accepted)}, and remove rows that cannot be accepted?",
                    integrity => integrity.AcceptAsync(accepted, cancellation),
                    cancellation),
                _ => throw new StartupException("Use either --owner or --database."),
            };
        });

        var suspect = new Option<string>("--owner") { Description = "user:<uuid> or organization:<id>.", Required = true };
        var quarantine = new Command("quarantine", "Refuse to read or change an owner's values until an operator accepts the owner.") { suspect, yes };
        quarantine.SetAction((result, cancellation) =>
        {
            var refused = OwnerOf(result.GetRequiredValue(suspect));
            return ChangeAsync(
                build, result, yes, $"Put {OwnerNames.For(refused)} into quarantine?", async integrity => [await integrity.QuarantineAsync(refused, cancellation)], cancellation);
        });
        return new Command("integrity", "Handle rows that were changed outside the service (docs/operations.md).") { list, accept, quarantine };
    }

    private static Command Users(Func<string[], WebApplication> build)
    {
        var issuer = new Argument<string>("issuer") { Description = "The new value of Auth:Users:Issuer." };
        var yes = new Option<bool>("--yes") { Description = "Do not ask for confirmation." };
        var set = new Command(
            "set-issuer",
            "Map names of users to ids with another issuer. The same names then mean other users. Secrets of the former users remain available by user_id. "
            + "Stop the service first: running replicas use the former issuer for up to a minute.")
        {
            issuer,
            yes,
        };
        set.SetAction((result, cancellation) =>
        {
            var wanted = result.GetRequiredValue(issuer);
            return build([.. result.UnmatchedTokens]).Services.WithDatabaseAsync<IUserIssuer>(
                async users =>
                {
                    var former = users.Stored is { } kept ? $" instead of {kept}" : "";
                    if (!result.GetValue(yes) && !await IsConfirmedAsync($"Map names of users to ids with {wanted}{former}?"))
                    {
                        await Console.Out.WriteLineAsync("Nothing was changed.");
                        return 1;
                    }

                    await Console.Out.WriteLineAsync(await users.ReplaceAsync(wanted, cancellation)
                        ? $"Names of users are now mapped to ids with {wanted}."
                        : $"Names of users are already mapped to ids with {wanted}. Nothing was changed.");
                    return 0;
                },
                cancellation);
        });
        return new Command("users", "Manage names of users.") { set };
    }

    private static SecretOwner OwnerOf(string name) => OwnerNames.Parse(name) ?? throw new StartupException("--owner must be user:<uuid> or organization:<id>.");

    /// <summary>Asks for confirmation, makes a change and prints its result.</summary>
    private static Task<int> ChangeAsync(
        Func<string[], WebApplication> build,
        ParseResult result,
        Option<bool> yes,
        string question,
        Func<IIntegrityCommands, Task<IReadOnlyList<string>>> change,
        CancellationToken cancellation) => build([.. result.UnmatchedTokens]).Services.WithDatabaseAsync<IIntegrityCommands>(
        async integrity =>
        {
            if (!result.GetValue(yes) && !await IsConfirmedAsync(question))
            {
                await Console.Out.WriteLineAsync("Nothing was changed.");
                return 1;
            }

            foreach (var line in await change(integrity))
            {
                await Console.Out.WriteLineAsync(line);
            }

            return 0;
        },
        cancellation);

    private static async Task<bool> IsConfirmedAsync(string question)
    {
        await Console.Out.WriteAsync($"{question} [y/N] ");
        return await Console.In.ReadLineAsync() is "y" or "Y" or "yes";
    }
}

/// <summary>The form of owners on the command line.</summary>
internal static class OwnerNames
{
    public static string For(SecretOwner owner) => $"{(owner.Kind == OwnerKind.User ? "user" : "organization")}:{owner.Id}";

    /// <summary>The owner of that name; null: invalid. The kind is case-insensitive, because logs write it in another case.</summary>
    public static SecretOwner? Parse(string text) => text.Split(':', 2) is not [var kind, { Length: > 0 } id] ? null
        : string.Equals(kind, "user", StringComparison.OrdinalIgnoreCase) ? Guid.TryParse(id, out var user) ? SecretOwner.User(user) : null
        : string.Equals(kind, "organization", StringComparison.OrdinalIgnoreCase) ? new SecretOwner(OwnerKind.Organization, id)
        : null;
}
