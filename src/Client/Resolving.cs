using System.Diagnostics.CodeAnalysis;

namespace Secrets.Client;

/// <summary>
/// The values are hidden when printed and overwritten when this is disposed, so <c>using</c> it around the tool's call keeps them in
/// memory no longer than that.
/// </summary>
public sealed partial class Resolved : IDisposable
{
    /// <summary>The value for an argument.</summary>
    /// <exception cref="KeyNotFoundException">There is none; <see cref="Missing"/> says why.</exception>
    public SecretText this[string toolArg] =>
        TryGetValue(toolArg, out var value) ? value : throw new KeyNotFoundException($"'{toolArg}' is not filled.");

    /// <summary>The value for an argument, if there is one.</summary>
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

    /// <summary>Which arguments are filled and which are not; never with what.</summary>
    public override string ToString() =>
        $"filled: [{string.Join(", ", Values.Select(filled => filled.ToolArg))}], missing: [{string.Join(", ", Missing.Select(one => one.ToolArg))}]";
}

/// <summary>What the generated operations are mostly used for, in fewer words.</summary>
public static class SecretsClientExtensions
{
    /// <summary>
    /// The values for a call of a tool. Dispose the result after the call.
    /// </summary>
    /// <param name="client">The service.</param>
    /// <param name="userId">The user whom the call is for.</param>
    /// <param name="toolName">The tool.</param>
    /// <param name="toolArgs">The arguments that the call did not receive; null: every argument for which there is a default.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="SecretsApiException">The service refused. An argument without a value is no error: see <see cref="Resolved.Missing"/>.</exception>
    public static Task<Resolved> ResolveAsync(
        this ISecretsClient client,
        Guid userId,
        string toolName,
        IReadOnlyList<string>? toolArgs = null,
        CancellationToken cancellationToken = default) =>
        client.ResolveAsync(
            new ResolveRequest { UserId = userId, ToolName = toolName, ToolArgs = toolArgs }, cancellationToken: cancellationToken);
}
