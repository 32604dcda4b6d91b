using System.CommandLine;
using Secrets.Infrastructure;
using Secrets.Infrastructure.Credentials.Tokens;

namespace Secrets.Api.CommandLine;

/// <summary>Commands for names of users.</summary>
internal static class UserCommands
{
    public static Command Users(Func<string[], WebApplication> build)
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
        issuer.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: ['-' or '/', ..] }])
            {
                result.AddError("The issuer is missing");
            }
        });
        set.SetAction((result, cancellation) =>
        {
            var wanted = result.GetRequiredValue(issuer);
            return build.BuildFor(result).Services.WithDatabaseAsync<IUserIssuer>(
                async users =>
                {
                    var former = users.Stored is { } kept ? $" instead of {kept}" : "";
                    if (!result.GetValue(yes) && !await Cli.IsConfirmedAsync($"Map names of users to ids with {wanted}{former}?"))
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
}
