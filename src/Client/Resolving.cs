using System.Diagnostics.CodeAnalysis;

namespace Secrets.Client;

/// <summary>
/// Values are hidden when printed, and overwritten when the result is disposed. Put <c>using</c> around the tool call, so that no value
/// stays in memory after it.
/// </summary>
public sealed partial class Resolved : IDisposable
{
    /// <summary>The value for an argument. <see cref="Missing"/> gives the reason if an argument has no value.</summary>
    /// <exception cref="KeyNotFoundException">The argument has no value.</exception>
    public SecretText this[string toolArg] =>
        TryGetValue(toolArg, out var value) ? value : throw new KeyNotFoundException($"The argument '{toolArg}' has no value.");

    /// <summary>Gets the value for an argument. Returns false if the argument has no value.</summary>
    public bool TryGetValue(string toolArg, [NotNullWhen(true)] out SecretText? value)
    {
        value = Values.FirstOrDefault(filled => string.Equals(filled.ToolArg, toolArg, StringComparison.Ordinal))?.SecretValue;
        return value is not null;
    }

    /// <summary>Overwrites the values.</summary>
    public void Dispose()
    {
        foreach (var filled in Values)
        {
            filled.SecretValue.Dispose();
        }
    }

    /// <summary>Names the filled and the missing arguments. Contains no value.</summary>
    public override string ToString() =>
        $"filled: [{string.Join(", ", Values.Select(filled => filled.ToolArg))}], missing: [{string.Join(", ", Missing.Select(one => one.ToolArg))}]";
}

/// <summary>Short forms of generated operations.</summary>
public static class SecretsClientExtensions
{
    /// <summary>Resolves the values for a tool call. Dispose the result after the call.</summary>
    /// <param name="client">The service.</param>
    /// <param name="userId">The user of the tool call.</param>
    /// <param name="toolName">The tool.</param>
    /// <param name="toolArgs">The arguments to fill; null fills every argument that has a default.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="SecretsApiException">The service refused the call. An argument without a value is not an error.</exception>
    public static Task<Resolved> ResolveAsync(
        this ISecretsClient client,
        Guid userId,
        string toolName,
        IReadOnlyList<string>? toolArgs = null,
        CancellationToken cancellationToken = default) =>
        client.ResolveAsync(
            new ResolveRequest { UserId = userId, ToolName = toolName, ToolArgs = toolArgs }, cancellationToken: cancellationToken);
}
