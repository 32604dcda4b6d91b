using System.Text;

namespace Secrets.TestKit;

/// <summary>A stored secret in plain types.</summary>
public sealed record OracleSecret(
    string Id, bool IsOwn, string Name, string? Tool, string? Arg, bool IsDefault, string Rule = "ALL", params IReadOnlyList<string> Workspaces);

/// <summary>A tool call in plain types.</summary>
public sealed record OracleCall(
    string Tool, IReadOnlyList<string>? Args, IReadOnlyList<KeyValuePair<string, string>> References, string? Workspace);

/// <summary>
/// The contract's rules for selecting secrets, written as plainly as they read, without regard to speed. The oracle shares no code with the service, so a
/// common mistake would have to be made twice.
/// </summary>
public static class ResolutionOracle
{
    /// <summary>One line per argument, in the order of the response: <c>argument=id (source)</c>, or <c>argument: reason</c>.</summary>
    public static IReadOnlyList<string> Answer(OracleCall call, IReadOnlyCollection<OracleSecret> secrets)
    {
        var references = call.References.ToDictionary(StringComparer.Ordinal);
        IEnumerable<string> all = secrets.Where(secret => secret.IsDefault).Select(secret => secret.Arg!)
            .Where(arg => DefaultsFor(arg, call, secrets).Count > 0)
            .OrderBy(Hex, StringComparer.Ordinal);
        var args = (call.Args ?? all).Concat(references.Keys).Distinct(StringComparer.Ordinal);
        return
        [
            .. args.Select(arg => references.TryGetValue(arg, out var name)
                ? Named(name, call, secrets) is { } named ? $"{arg}={named.Id} (reference)" : $"{arg}: reference_unavailable"
                : DefaultsFor(arg, call, secrets) is [{ } first, ..] ? $"{arg}={first.Id} (default)" : $"{arg}: no_default"),
        ];
    }

    /// <summary>The defaults that match the call, the winner first.</summary>
    public static IReadOnlyList<OracleSecret> DefaultsFor(string arg, OracleCall call, IReadOnlyCollection<OracleSecret> secrets) =>
    [
        .. secrets
            .Where(secret => secret.IsDefault && secret.Arg == arg && Matches(secret.Tool!, call.Tool) && Admits(secret, call.Workspace))
            .OrderBy(secret => secret.IsOwn ? 0 : 1)
            .ThenBy(secret => secret.Tool!.Contains('*', StringComparison.Ordinal) ? 1 : 0)
            .ThenByDescending(secret => secret.Tool!.EnumerateRunes().Count(rune => rune.Value != '*'))
            .ThenBy(secret => secret.Tool!.EnumerateRunes().Count(rune => rune.Value == '*'))
            .ThenBy(secret => Hex(secret.Tool!), StringComparer.Ordinal),
    ];

    /// <summary>Whether a pattern matches a whole name. It tries every split, as the definition says.</summary>
    public static bool Matches(string pattern, string name) => Matches([.. pattern.EnumerateRunes()], [.. name.EnumerateRunes()]);

    private static bool Matches(ReadOnlySpan<Rune> pattern, ReadOnlySpan<Rune> name) =>
        pattern.IsEmpty ? name.IsEmpty
        : pattern[0].Value == '*' ? Matches(pattern[1..], name) || (!name.IsEmpty && Matches(pattern, name[1..]))
        : !name.IsEmpty && pattern[0] == name[0] && Matches(pattern[1..], name[1..]);

    private static OracleSecret? Named(string name, OracleCall call, IReadOnlyCollection<OracleSecret> secrets)
    {
        var named = secrets.Where(secret => secret.Name == name).OrderByDescending(secret => secret.IsOwn).FirstOrDefault();
        return named is not null && (named.Tool is null || Matches(named.Tool, call.Tool)) && Admits(named, call.Workspace) ? named : null;
    }

    private static bool Admits(OracleSecret secret, string? workspace) => secret.Rule switch
    {
        "ALL" => true,
        "SOME" => workspace is not null && secret.Workspaces.Contains(workspace, StringComparer.Ordinal),
        _ => false,
    };

    /// <summary>Orders texts by their bytes.</summary>
    private static string Hex(string text) => Convert.ToHexString(Encoding.UTF8.GetBytes(text));
}
