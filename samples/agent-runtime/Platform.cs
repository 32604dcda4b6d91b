using System.Text.Json.Nodes;
using Secrets.Client;

namespace Secrets.AgentRuntime;

/// <summary>What a platform does between a model that asks for a tool and the tool.</summary>
/// <param name="secrets">The service.</param>
/// <param name="userId">The user for whom the agent runs.</param>
/// <param name="output">Where people read what was done.</param>
internal sealed class Platform(ISecretsClient secrets, Guid userId, TextWriter output)
{
    /// <summary>Runs a tool with the arguments that the model gave and, for those that it did not, with the user's secrets.</summary>
    /// <param name="tool">The tool.</param>
    /// <param name="given">The model's arguments. They stay as they are: a value never goes back to the model.</param>
    /// <param name="cancellationToken">Gives up.</param>
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
            resolved.Missing.Count == 0 ? $"  -> {tool.Run(arguments)}" : "  -> not called; the user has to give what is missing");
    }

    /// <summary>For people: what was filled, by which secret, and why that one. None of it needs the value.</summary>
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
