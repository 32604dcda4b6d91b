using System.CommandLine;
using Secrets.Application.Audit;
using Secrets.Infrastructure;

namespace Secrets.Api.CommandLine;

/// <summary>Commands for the audit.</summary>
internal static class AuditCommands
{
    public static Command Audit(Func<string[], WebApplication> build)
    {
        var verify = new Command("verify", $"Verify the whole audit, also against Audit:CheckpointFile, and the versions of all accounts. The exit code is {Cli.FoundFaults} if something does not verify.");
        verify.SetAction((result, cancellation) => build.BuildFor(result).Services.WithDatabaseAsync<IAuditVerifier>(
            async verifier =>
            {
                var verdict = await verifier.VerifyWithFileAsync(cancellation);
                foreach (var fault in FaultsOf(verdict))
                {
                    await Console.Out.WriteLineAsync(fault);
                }

                await Console.Out.WriteLineAsync($"{verdict.Checked} rows were verified.");
                return verdict.IsIntact ? 0 : Cli.FoundFaults;
            },
            cancellation));
        return new Command("audit", "Verify the audit.") { verify };
    }

    private static IEnumerable<string> FaultsOf(AuditVerdict verdict)
    {
        if (verdict.FirstBroken is { } place)
        {
            yield return $"The row {place.Sequence} of the chain {place.Writer} was changed or removed.";
        }

        foreach (var rows in verdict.Missing)
        {
            yield return $"Rows {rows.Sequence} to {rows.Last} of the chain {rows.Writer} are missing or replaced.";
        }

        foreach (var account in verdict.Owners)
        {
            var what = account.IsOfKeys ? "The API keys of " : "The secrets of ";
            yield return $"{what}{OwnerNames.For(account.Owner)} do not have the latest version in the audit: the audit has {account.Audited}, the database has {account.Version}.";
        }
    }
}
