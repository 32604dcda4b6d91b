using System.Text.Json.Serialization;
using Secrets.Api.OpenApi;
using Secrets.Application.Audit;
using Secrets.Application.Resolution;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Domain.Resolution;

namespace Secrets.Api.V1;

/// <summary>A tool call.</summary>
public abstract record ToolCallBody
{
    /// <summary>The name of the tool. A `*` is an ordinary character here.</summary>
    /// <example>agno__linear__get_issue_details</example>
    [TextLimit(typeof(ToolPattern), nameof(ToolPattern.Length))]
    public required string ToolName { get; init; }

    /// <summary>The arguments to fill, at most 100 different ones; every argument with a default if omitted.</summary>
    /// <example>["api_token", "base_url"]</example>
    public IReadOnlyList<string>? ToolArgs { get; init; }

    /// <summary>
    /// Arguments to fill from a secret of the given name: the user's if it exists, otherwise the organisation's. A default never fills such an argument.
    /// </summary>
    /// <example>{"signing_key": "my-linear-signing-key"}</example>
    public OrderedDictionary<string, string>? References { get; init; }

    /// <summary>The organisation that the call is made in. The user's defaults take precedence over its defaults.</summary>
    /// <example>acme</example>
    [TextLimit(typeof(Membership), nameof(Membership.OrganizationIdLength))]
    public string? OrganizationId { get; init; }

    /// <summary>The workspace of that organisation that the call is made in.</summary>
    /// <example>support</example>
    [TextLimit(typeof(Membership), nameof(Membership.WorkspaceLength))]
    public string? Workspace { get; init; }

    /// <summary>The user's name in place of `user_id`: the `sub` of the user's tokens. No white space at the ends, no control characters, no uuid.</summary>
    /// <example>ada@example.com</example>
    [TextLimit(typeof(UserName), nameof(UserName.Length))]
    public string? User { get; init; }
}

/// <summary>A tool call to fill.</summary>
/// <example>{"user_id": "7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e", "tool_name": "agno__linear__get_issue_details", "tool_args": ["api_token", "base_url"], "references": {"signing_key": "my-linear-signing-key"}, "organization_id": "acme", "workspace": "support", "context": {"agent_id": "support-bot", "run_id": "run_01J9Z3", "tool_call_id": "call_42"}}</example>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ResolveBody : ToolCallBody
{
    /// <summary>
    /// The user whom the call is for. This or `user` is required. Null: no user, only the organisation's secrets; `organization_id` is required then.
    /// </summary>
    /// <example>7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e</example>
    public Optional<Guid?> UserId { get; init; }

    /// <summary>A description of the call for the audit. The receipt repeats it.</summary>
    public CallContextInfo? Context { get; init; }

    public ResolveSecrets ToQuery() => new(UserId, ToolName, ToolArgs, References, OrganizationId, Workspace, Context?.ToContext()) { User = User };
}

/// <summary>A runtime's description of a call. Each member has 1 to 128 ASCII letters, digits, blanks or any of `. _ : / -`.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record CallContextInfo
{
    /// <summary>The agent.</summary>
    /// <example>support-bot</example>
    public string? AgentId { get; init; }

    /// <summary>The agent's run.</summary>
    /// <example>run_01J9Z3</example>
    public string? RunId { get; init; }

    /// <summary>The tool call in that run.</summary>
    /// <example>call_42</example>
    public string? ToolCallId { get; init; }

    public CallContext ToContext() => new(AgentId, RunId, ToolCallId);
}

/// <summary>A tool call to explain.</summary>
/// <example>{"user_id": "7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e", "tool_name": "agno__linear__get_issue_details", "tool_args": ["api_token", "base_url"], "references": {"signing_key": "my-linear-signing-key"}, "organization_id": "acme", "workspace": "support"}</example>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ExplainBody : ToolCallBody
{
    /// <summary>As in a tool call; the caller by default. A caller with the scope `secrets:resolve` must give this or `user`.</summary>
    /// <example>7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e</example>
    public Optional<Guid?> UserId { get; init; }

    public ExplainResolution ToQuery() => new(UserId, ToolName, ToolArgs, References, OrganizationId, Workspace) { User = User };
}

/// <summary>The values for a call, and the arguments without a value.</summary>
public sealed record Resolved
{
    /// <summary>The arguments with a value.</summary>
    public required IReadOnlyList<ResolvedArgument> Values { get; init; }

    /// <summary>The arguments without a value.</summary>
    public required IReadOnlyList<MissingArgument> Missing { get; init; }

    /// <summary>The audit receipt for these values; absent if there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ReceiptInfo? Receipt { get; init; }

    public static Resolved From(ResolvedSecrets resolved, string requestId, CallContextInfo? context) => new()
    {
        Values = [.. resolved.Values.Select(ResolvedArgument.From)],
        Missing = [.. resolved.Missing.Select(MissingArgument.From)],
        Receipt = resolved.Receipt is { } receipt ? ReceiptInfo.From(receipt, requestId, context) : null,
    };
}

/// <summary>A position in the audit. A holder can prove later that no row up to this one was changed.</summary>
public sealed record ReceiptInfo
{
    /// <summary>The chain.</summary>
    /// <example>0198f3a0-22bb-7d73-b088-6c3f2d4e5f60</example>
    public required Guid Writer { get; init; }

    /// <summary>The row's number in that chain. The row is the last value's; the other values' rows come right before it.</summary>
    /// <example>1042</example>
    public required long Sequence { get; init; }

    /// <summary>The row's hash, in hexadecimal.</summary>
    /// <example>9b74c9897bac770ffc029102a200c5de9b74c9897bac770ffc029102a200c5de</example>
    public required string Hash { get; init; }

    /// <summary>The request's id, as in the audit and the log.</summary>
    /// <example>0HNFQ6V7K2M3S:00000001</example>
    public required string RequestId { get; init; }

    /// <summary>The description of the call in the request; absent if there is none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CallContextInfo? Context { get; init; }

    public static ReceiptInfo From(AuditReceipt receipt, string requestId, CallContextInfo? context) => new()
    {
        Writer = receipt.Writer,
        Sequence = receipt.Sequence,
        Hash = Convert.ToHexStringLower(receipt.Hash),
        RequestId = requestId,
        Context = context,
    };
}

/// <summary>An argument with its value.</summary>
public sealed record ResolvedArgument
{
    /// <summary>The argument.</summary>
    /// <example>api_token</example>
    public required string ToolArg { get; init; }

    /// <summary>The value to pass to the tool.</summary>
    /// <example>lin_api_4f9c2f0d6b7e4a51</example>
    [JsonConverter(typeof(RevealedValue))]
    public required SecretValue SecretValue { get; init; }

    /// <summary>The secret that the value comes from.</summary>
    /// <example>0198f3b2-6c1e-7a40-8d55-3f0c9a1b2c3d</example>
    public required Guid SecretId { get; init; }

    /// <summary>The secret's name.</summary>
    /// <example>my-linear-key</example>
    public required string SecretName { get; init; }

    /// <summary>The secret's tool or pattern; null: bound to no tool.</summary>
    /// <example>agno__linear__*</example>
    public required string? Matched { get; init; }

    /// <summary>`default` or `reference`.</summary>
    /// <example>default</example>
    public required string Source { get; init; }

    /// <summary>`user` or `organization`.</summary>
    /// <example>user</example>
    public required string Owner { get; init; }

    /// <summary>The secret's version.</summary>
    /// <example>3</example>
    public required int Version { get; init; }

    public static ResolvedArgument From(ResolvedSecret resolved) => new()
    {
        ToolArg = resolved.Argument,
        SecretValue = resolved.Value,
        SecretId = resolved.Secret.SecretId,
        SecretName = resolved.Secret.Name,
        Matched = resolved.Secret.Binding.ToolName,
        Source = ResolutionTexts.For(resolved.Source),
        Owner = ResolutionTexts.For(resolved.Secret.Owner.Kind),
        Version = resolved.Secret.Version,
    };
}

/// <summary>An argument without a value.</summary>
public sealed record MissingArgument
{
    /// <summary>The argument.</summary>
    /// <example>base_url</example>
    public required string ToolArg { get; init; }

    /// <summary>`no_default`, or `reference_unavailable` if the call names a secret that cannot be used.</summary>
    /// <example>no_default</example>
    public required string Reason { get; init; }

    public static MissingArgument From(Selection selection) => new()
    {
        ToolArg = selection.Argument,
        Reason = selection.Source == SelectionSource.Reference ? "reference_unavailable" : "no_default",
    };
}

/// <summary>Explains how the arguments of a call are filled.</summary>
public sealed record ResolutionExplanation
{
    /// <summary>One entry for each argument, in the order of a real answer.</summary>
    public required IReadOnlyList<ExplainedArgument> Arguments { get; init; }

    public static ResolutionExplanation From(IReadOnlyList<Explanation> explanations) =>
        new() { Arguments = [.. explanations.Select(ExplainedArgument.From)] };
}

/// <summary>Explains how an argument is filled.</summary>
public sealed record ExplainedArgument
{
    /// <summary>The argument.</summary>
    /// <example>api_token</example>
    public required string ToolArg { get; init; }

    /// <summary>The secret that fills the argument; null: none.</summary>
    public required WinningSecret? Winner { get; init; }

    /// <summary>The deciding rule, for people.</summary>
    /// <example>the pattern with more literal characters comes first</example>
    public required string Rule { get; init; }

    /// <summary>All considered secrets.</summary>
    public required IReadOnlyList<ExplainedCandidate> Candidates { get; init; }

    public static ExplainedArgument From(Explanation explanation) => new()
    {
        ToolArg = explanation.Selection.Argument,
        Winner = explanation.Selection.Winner is { } winner ? WinningSecret.From(winner, explanation.Selection.Source) : null,
        Rule = ResolutionTexts.RuleOf(explanation),
        Candidates = [.. explanation.Candidates.Select(weighed => ExplainedCandidate.From(weighed, explanation.Selection.Source))],
    };
}

/// <summary>The secret that fills an argument.</summary>
public sealed record WinningSecret
{
    /// <summary>The secret's id.</summary>
    /// <example>0198f3b2-6c1e-7a40-8d55-3f0c9a1b2c3d</example>
    public required Guid SecretId { get; init; }

    /// <summary>The secret's name.</summary>
    /// <example>my-linear-key</example>
    public required string SecretName { get; init; }

    /// <summary>The secret's tool or pattern; null: bound to no tool.</summary>
    /// <example>agno__linear__*</example>
    public required string? Matched { get; init; }

    /// <summary>`default` or `reference`.</summary>
    /// <example>default</example>
    public required string Source { get; init; }

    /// <summary>`user` or `organization`.</summary>
    /// <example>user</example>
    public required string Owner { get; init; }

    /// <summary>The secret's version.</summary>
    /// <example>3</example>
    public required int Version { get; init; }

    public static WinningSecret From(Candidate winner, SelectionSource source) => new()
    {
        SecretId = winner.Placement.SecretId,
        SecretName = winner.Placement.Name,
        Matched = winner.Placement.Binding.ToolName,
        Source = ResolutionTexts.For(source),
        Owner = ResolutionTexts.For(winner.Placement.Owner.Kind),
        Version = winner.Placement.Version,
    };
}

/// <summary>A secret that was considered for an argument.</summary>
public sealed record ExplainedCandidate
{
    /// <summary>The secret's id.</summary>
    /// <example>0198f3b2-6c1e-7a40-8d55-3f0c9a1b2c3d</example>
    public required Guid SecretId { get; init; }

    /// <summary>The secret's name.</summary>
    /// <example>my-linear-key</example>
    public required string SecretName { get; init; }

    /// <summary>The secret's tool or pattern; null: bound to no tool.</summary>
    /// <example>agno__linear__*</example>
    public required string? ToolName { get; init; }

    /// <summary>`user` or `organization`.</summary>
    /// <example>user</example>
    public required string Owner { get; init; }

    /// <summary>Whether the secret matches this tool.</summary>
    /// <example>true</example>
    public required bool Matches { get; init; }

    /// <summary>Why the secret fills the argument or does not, for people.</summary>
    /// <example>it fills the argument</example>
    public required string Reason { get; init; }

    public static ExplainedCandidate From(WeighedCandidate weighed, SelectionSource source) => new()
    {
        SecretId = weighed.Candidate.Placement.SecretId,
        SecretName = weighed.Candidate.Placement.Name,
        ToolName = weighed.Candidate.Placement.Binding.ToolName,
        Owner = ResolutionTexts.For(weighed.Candidate.Placement.Owner.Kind),
        Matches = weighed.Matches,
        Reason = ResolutionTexts.ReasonOf(weighed, source),
    };
}
