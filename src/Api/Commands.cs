using System.CommandLine;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure;
using Secrets.Infrastructure.Credentials.ApiKeys;
using Secrets.Infrastructure.Credentials.Tokens;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Integrity.Recovery;

namespace Secrets.Api;

/// <summary>What the process can be asked to do. Other arguments are configuration.</summary>
internal static class Commands
{
    private const int ExitCodeOfFaults = 3;

    /// <summary>Runs what the arguments ask for, and gives the exit code.</summary>
    /// <param name="arguments">Of the process.</param>
    /// <param name="build">Makes the service with these arguments as configuration.</param>
    /// <exception cref="StartupException">It cannot be done, in one sentence.</exception>
    public static Task<int> RunAsync(string[] arguments, Func<string[], WebApplication> build) =>
        Root(build).Parse(arguments).InvokeAsync(new InvocationConfiguration
        {
            // Program says why something failed, and the host of the service ends it when it is asked to.
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        });

    private static RootCommand Root(Func<string[], WebApplication> build)
    {
        var migrate = new Option<bool>("--migrate") { Description = "Apply the migrations that the database lacks, and end." };
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
        var createFirst = new Command("create-first", "Make the first API key, which has every scope, and print it. Fails if there is an API key of an operator already.");
        createFirst.SetAction((result, cancellation) => build([.. result.UnmatchedTokens]).Services.WithDatabaseAsync<IFirstKey>(
            async first =>
            {
                if (await first.MakeIfMissingAsync(cancellation) is not { } key)
                {
                    await Console.Error.WriteLineAsync("There is an API key of an operator already, in the database or as Auth:BootstrapKey. Nothing was changed.");
                    return 1;
                }

                await Console.Out.WriteLineAsync(key);
                return 0;
            },
            cancellation));
        return new Command("keys", "Deal with API keys.") { createFirst };
    }

    private static Command Integrity(Func<string[], WebApplication> build)
    {
        var list = new Command("list", $"Verify every owner and every user's API keys, and list those that do not verify. Ends with {ExitCodeOfFaults} if there are any.");
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

        var yes = new Option<bool>("--yes") { Description = "Do not ask." };
        var owner = new Option<string>("--owner") { Description = "user:<uuid> or organization:<id>." };
        var database = new Option<bool>("--database")
        {
            Description = "The database was restored from a backup: keep a checkpoint of what is there, whatever the audit lacks since the one before. Once for each replica that keeps one.",
        };
        var accept = new Command(
            "accept",
            "Make what is there of an owner the current state. Secrets that do not open, or that the audit contradicts, are removed. If a user's API keys do not verify, all of them are revoked.")
        {
            owner,
            database,
            yes,
        };
        accept.SetAction((result, cancellation) =>
        {
            return (result.GetValue(owner), result.GetValue(database)) switch
            {
                (null, true) => ChangeAsync(build, result, yes, "Accept the audit as it is in the database now?", integrity => integrity.AcceptDatabaseAsync(cancellation), cancellation),
                ({ } name, false) when OwnerOf(name) is var accepted => ChangeAsync(
                    build,
                    result,
                    yes,
                    $"Accept what is there of {OwnerNames.For(accepted)}, and remove what cannot be accepted?",
                    integrity => integrity.AcceptAsync(accepted, cancellation),
                    cancellation),
                _ => throw new StartupException("Give either --owner or --database."),
            };
        });

        var suspect = new Option<string>("--owner") { Description = "user:<uuid> or organization:<id>.", Required = true };
        var quarantine = new Command("quarantine", "Neither hand out nor change an owner's values until the owner is accepted.") { suspect, yes };
        quarantine.SetAction((result, cancellation) =>
        {
            var refused = OwnerOf(result.GetRequiredValue(suspect));
            return ChangeAsync(
                build, result, yes, $"Put {OwnerNames.For(refused)} into quarantine?", async integrity => [await integrity.QuarantineAsync(refused, cancellation)], cancellation);
        });
        return new Command("integrity", "Deal with rows that were changed outside the service (docs/operations.md).") { list, accept, quarantine };
    }

    private static Command Users(Func<string[], WebApplication> build)
    {
        var issuer = new Argument<string>("issuer") { Description = "As Auth:Users:Issuer will have it." };
        var yes = new Option<bool>("--yes") { Description = "Do not ask." };
        var set = new Command(
            "set-issuer",
            "Turn names of users into ids with another issuer from now on. The same names are other users then; what is stored for the former ones is reached by user_id. Stop the service before: a replica that runs goes on with the former issuer for up to a minute.")
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
                    var former = users.Stored is { } kept ? $", and no longer with {kept}" : "";
                    if (!result.GetValue(yes) && !await IsConfirmedAsync($"Turn names of users into ids with {wanted}{former}?"))
                    {
                        await Console.Out.WriteLineAsync("Nothing was changed.");
                        return 1;
                    }

                    await Console.Out.WriteLineAsync(await users.ReplaceAsync(wanted, cancellation)
                        ? $"Names of users are turned into ids with {wanted}."
                        : $"Names of users are turned into ids with {wanted} already. Nothing was changed.");
                    return 0;
                },
                cancellation);
        });
        return new Command("users", "Deal with names of users.") { set };
    }

    private static SecretOwner OwnerOf(string name) => OwnerNames.Parse(name) ?? throw new StartupException("--owner must be user:<uuid> or organization:<id>.");

    /// <summary>Asks, does it, and says what was done.</summary>
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

/// <summary>How owners are written on the command line.</summary>
internal static class OwnerNames
{
    public static string For(SecretOwner owner) => $"{(owner.Kind == OwnerKind.User ? "user" : "organization")}:{owner.Id}";

    /// <summary>The owner of that name; the kind in any case, as lists and logs write it.</summary>
    public static SecretOwner? Parse(string text) => text.Split(':', 2) is not [var kind, { Length: > 0 } id] ? null
        : string.Equals(kind, "user", StringComparison.OrdinalIgnoreCase) ? Guid.TryParse(id, out var user) ? SecretOwner.User(user) : null
        : string.Equals(kind, "organization", StringComparison.OrdinalIgnoreCase) ? new SecretOwner(OwnerKind.Organization, id)
        : null;
}
