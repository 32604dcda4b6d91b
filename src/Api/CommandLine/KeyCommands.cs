using System.CommandLine;
using Secrets.Infrastructure;
using Secrets.Infrastructure.Credentials.ApiKeys;

namespace Secrets.Api.CommandLine;

/// <summary>Commands for API keys.</summary>
internal static class KeyCommands
{
    public static Command Keys(Func<string[], WebApplication> build)
    {
        var createFirst = new Command("create-first", "Make the first API key, with every scope, and print it. Fails if an operator's API key exists.");
        createFirst.SetAction((result, cancellation) => build.BuildFor(result).Services.WithDatabaseAsync<IFirstKey>(
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
}
