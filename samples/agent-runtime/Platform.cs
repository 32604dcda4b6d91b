using System.Text.Json.Nodes;
using Secrets.Client;

namespace Secrets.AgentRuntime;

/// <summary>The part of a platform between a model that calls a tool and the tool.</summary>
/// <param name="secrets">The service.</param>
/// <param name="userId">The user of the agent.</param>
/// <param name="output">Receives the report of each call. No secret value is written.</param>
internal sealed class Platform(ISecretsClient secrets, Guid userId, TextWriter output)
{
    /// <summary>Runs a tool with the arguments of the model. The user's secrets fill the missing arguments.</summary>
    /// <param name="tool">The tool.</param>
    /// <param name="given">The arguments of the model. They are not changed, so no value returns to the model.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async Task CallAsync(Tool tool, JsonObject given, CancellationToken cancellationToken)
    {
        await output.WriteLineAsync($"\nThe model calls {tool.Name} with {given.ToJsonString()}");
        var call = new ResolveRequest { UserId = userId, ToolName = tool.Name, ToolArgs = tool.MissingFrom(given) };

        using var resolved = await secrets.ResolveAsync(call, cancellationToken: cancellationToken);
        var arguments = given.DeepClone().AsObject();
        foreach (var filled in resolved.Values)
        {
            arguments[filled.ToolArg] = filled.SecretValue.Reveal();
        }

        await ExplainAsync(call, resolved, cancellationToken);
        await output.WriteLineAsync(
            resolved.Missing.Count == 0 ? $"  -> {tool.Run(arguments)}" : "  -> not called: the user must store the missing secret");
    }

    /// <summary>Reports which secret filled an argument and why, without values.</summary>
    private async Task ExplainAsync(ResolveRequest call, Resolved resolved, CancellationToken cancellationToken)
    {
        var explanation = await secrets.ExplainAsync(
            new ExplainRequest { UserId = call.UserId, ToolName = call.ToolName, ToolArgs = call.ToolArgs }, cancellationToken: cancellationToken);
        var rules = explanation.Arguments.ToDictionary(argument => argument.ToolArg, argument => argument.Rule, StringComparer.Ordinal);
        foreach (var filled in resolved.Values)
        {
            var mask = (await secrets.GetSecretAsync(filled.SecretId, cancellationToken: cancellationToken)).Display;
            await output.WriteLineAsync($"  {filled.ToolArg} = {mask} from '{filled.SecretName}' ({filled.Matched}): {rules[filled.ToolArg]}");
        }

        foreach (var missing in resolved.Missing)
        {
            await output.WriteLineAsync($"  {missing.ToolArg} is missing: {rules[missing.ToolArg]}");
        }
    }
}
