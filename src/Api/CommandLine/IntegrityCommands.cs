using System.CommandLine;
using Secrets.Infrastructure;
using Secrets.Infrastructure.Integrity.Recovery;

namespace Secrets.Api.CommandLine;

/// <summary>Commands for rows that were changed outside the service.</summary>
internal static class IntegrityCommands
{
    public static Command Integrity(Func<string[], WebApplication> build)
    {
        var list = new Command("list", $"Verify all owners and API keys, and list those that do not verify. The exit code is then {Cli.FoundFaults}.");
        list.SetAction((result, cancellation) => build.BuildFor(result).Services.WithDatabaseAsync<IIntegrityCommands>(
            async integrity =>
            {
                var count = 0;
                await foreach (var line in integrity.ListAsync(cancellation))
                {
                    count++;
                    await Console.Out.WriteLineAsync(line);
                }

                await Console.Out.WriteLineAsync(count == 0 ? "Everything verifies." : $"{count} do not verify.");
                return count == 0 ? 0 : Cli.FoundFaults;
            },
            cancellation));

        var yes = new Option<bool>("--yes") { Description = "Do not ask for confirmation." };
        var owner = OwnerOption(isRequired: false);
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
        accept.Validators.Add(result =>
        {
            if (result.GetResult(owner) is null == !result.GetValue(database))
            {
                result.AddError("Use either --owner or --database");
            }
        });
        accept.SetAction((result, cancellation) => result.GetValue(owner) is { } accepted
            ? ChangeAsync(
                build,
                result,
                yes,
                $"Accept the stored rows of {OwnerNames.For(accepted)}, and remove rows that cannot be accepted?",
                integrity => integrity.AcceptAsync(accepted, cancellation),
                cancellation)
            : ChangeAsync(build, result, yes, "Accept the audit that is in the database now?", integrity => integrity.AcceptDatabaseAsync(cancellation), cancellation));

        var suspect = OwnerOption(isRequired: true);
        var quarantine = new Command("quarantine", "Refuse to read or change an owner's values until an operator accepts the owner.") { suspect, yes };
        quarantine.SetAction((result, cancellation) =>
        {
            var refused = result.GetRequiredValue(suspect)!.Value;
            return ChangeAsync(
                build, result, yes, $"Put {OwnerNames.For(refused)} into quarantine?", async integrity => [await integrity.QuarantineAsync(refused, cancellation)], cancellation);
        });
        return new Command("integrity", "Handle rows that were changed outside the service (docs/operations.md).") { list, accept, quarantine };
    }

    private static Option<SecretOwner?> OwnerOption(bool isRequired) => new("--owner")
    {
        Description = "user:<uuid> or organization:<id>.",
        Required = isRequired,
        CustomParser = result =>
        {
            var owner = OwnerNames.Parse(result.Tokens.Single().Value);
            if (owner is null)
            {
                result.AddError("--owner must be user:<uuid> or organization:<id>");
            }

            return owner;
        },
    };

    /// <summary>Asks for confirmation, makes a change and prints its result.</summary>
    private static Task<int> ChangeAsync(
        Func<string[], WebApplication> build,
        ParseResult result,
        Option<bool> yes,
        string question,
        Func<IIntegrityCommands, Task<IReadOnlyList<string>>> change,
        CancellationToken cancellation) => build.BuildFor(result).Services.WithDatabaseAsync<IIntegrityCommands>(
        async integrity =>
        {
            if (!result.GetValue(yes) && !await Cli.IsConfirmedAsync(question))
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
