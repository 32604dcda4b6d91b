using System.Security.Cryptography;
using Secrets.Client;

namespace Secrets.AgentRuntime;

/// <summary>Sample secrets of a user: a key for all tools of one vendor, a more specific key for one of them, and a key for another vendor.</summary>
internal static class SampleSecrets
{
    private static readonly (string Name, string Tool, string Argument, string Prefix)[] All =
    [
        ("sample-linear", "sample__linear__*", "api_token", "lin_api_"),
        ("sample-linear-issues", "sample__linear__get_issue_details", "api_token", "lin_issues_"),
        ("sample-github", "sample__github__*", "token", "ghp_"),
    ];

    /// <summary>Stores the secrets that do not exist yet.</summary>
    public static async Task StoreAsync(ISecretsClient secrets, TextWriter output, CancellationToken cancellationToken)
    {
        foreach (var (name, tool, argument, prefix) in All)
        {
            var (secret, note) = await StoreAsync(
                secrets,
                new CreateSecretRequest
                {
                    SecretName = name,
                    SecretValue = $"{prefix}{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}",
                    ToolName = tool,
                    ToolArg = argument,
                    IsDefaultForTool = true,
                },
                cancellationToken);
            await output.WriteLineAsync($"  {secret.SecretName}: {secret.Display} for {argument} of {tool} ({note})");
        }
    }

    private static async Task<(SecretInfo Secret, string Note)> StoreAsync(
        ISecretsClient secrets, CreateSecretRequest request, CancellationToken cancellationToken)
    {
        var existing = await secrets.ListSecretsAsync(secretName: request.SecretName, cancellationToken: cancellationToken);
        return existing.Data is [var found]
            ? (found, "existed")
            : (await secrets.CreateSecretAsync(request, cancellationToken: cancellationToken), "stored");
    }
}
