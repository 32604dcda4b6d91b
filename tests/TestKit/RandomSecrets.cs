namespace Secrets.TestKit;

/// <summary>
/// Random owners and calls, equal for equal seeds. They use few distinct names, so that independently made patterns, names and arguments
/// still match.
/// </summary>
public sealed class RandomSecrets(Random random)
{
    public static readonly IReadOnlyList<string> Workspaces = ["support", "Support", "sales"];

    private static readonly string[] Parts = ["a", "a", "a", "a", "b", "A", "_", "*", "*", "*", "*", "*", "\U0001F511", "\uFF5E"];

    /// <summary>Secrets of a user or an organisation, with unique names and at most one default per pattern and argument.</summary>
    public IReadOnlyList<OracleSecret> Secrets(bool isOwn, int most, IReadOnlyList<string> args)
    {
        var secrets = new List<OracleSecret>();
        var taken = new HashSet<(string, string)>();
        for (var number = random.Next(most + 1); number > 0; number--)
        {
            var (tool, arg) = (Tool(), args[random.Next(args.Count)]);
            var isDefault = random.Next(5) > 0 && taken.Add((tool, arg));
            var rule = isOwn || random.Next(2) == 0 ? "ALL" : random.Next(3) > 0 ? "SOME" : "NONE";
            secrets.Add(new OracleSecret(
                Guid.NewGuid().ToString(),
                isOwn,
                $"name-{(isOwn ? number : number + 5)}",
                isDefault || random.Next(2) == 0 ? tool : null,
                isDefault || random.Next(2) == 0 ? arg : null,
                isDefault,
                rule,
                rule == "SOME" ? [.. Workspaces.Where(_ => random.Next(2) == 0)] : []));
        }

        return secrets;
    }

    /// <summary>A call for some of these arguments, for all arguments of the tool, or for references only.</summary>
    public OracleCall Call(int mostNames, IReadOnlyList<string> args, int mostArgs)
    {
        var asked = random.Next(4) == 0 ? null : Enumerable.Range(0, random.Next(mostArgs + 1)).Select(_ => args[random.Next(args.Count)]).ToList();
        var references = args.Where(_ => random.Next(2 * args.Count) < 3)
            .Select(arg => KeyValuePair.Create(arg, $"name-{random.Next(mostNames + 7)}"));
        var workspace = random.Next(3) == 0 ? null : Workspaces[random.Next(Workspaces.Count)];
        return new OracleCall(Tool(), asked, [.. references.OrderBy(_ => random.Next())], workspace);
    }

    public IEnumerable<T> Shuffled<T>(IEnumerable<T> items) => items.OrderBy(_ => random.Next());

    private string Tool() => string.Concat(Enumerable.Range(0, random.Next(1, 6)).Select(_ => Parts[random.Next(Parts.Length)]));
}
