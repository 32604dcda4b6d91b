using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Persistence;

/// <summary>By which keys the candidates of many questions are found. The same on every database, or their answers would differ.</summary>
internal sealed class CandidateKeys
{
    private readonly List<CandidateKey> _tools = [];
    private readonly List<CandidateKey> _patternsOfArguments = [];
    private readonly List<CandidateKey> _patterns = [];
    private readonly List<CandidateKey> _names = [];

    public CandidateKeys(IReadOnlyList<CandidateQuestion> questions)
    {
        for (var at = 0; at < questions.Count; at++)
        {
            var (owner, call) = questions[at];
            if (call.Arguments is null)
            {
                Add(_tools, at, owner, call.ToolName);
                Add(_patterns, at, owner, "");
            }
            else if (call.Arguments.Count > 0)
            {
                Add(_tools, at, owner, call.ToolName);
                foreach (var argument in call.Arguments.Distinct(StringComparer.Ordinal))
                {
                    Add(_patternsOfArguments, at, owner, argument);
                }
            }

            foreach (var name in call.References.Values)
            {
                Add(_names, at, owner, name);
            }
        }
    }

    /// <summary>Defaults for a tool by its name, by <see cref="Secret.ToolKey"/>.</summary>
    public IReadOnlyList<CandidateKey> Tools => _tools;

    /// <summary>Defaults for patterns of tools and one argument, by <see cref="Secret.PatternArgKey"/>.</summary>
    public IReadOnlyList<CandidateKey> PatternsOfArguments => _patternsOfArguments;

    /// <summary>All of an owner's defaults for patterns of tools; the key says nothing.</summary>
    public IReadOnlyList<CandidateKey> Patterns => _patterns;

    /// <summary>What is referred to, by <see cref="Secret.NameKey"/>.</summary>
    public IReadOnlyList<CandidateKey> Names => _names;

    private static void Add(List<CandidateKey> keys, int question, SecretOwner owner, string text) =>
        keys.Add(new CandidateKey(question, owner, Secret.KeyOf(text)));
}

/// <summary>A key that one question asks for.</summary>
/// <param name="Question">Its place among the questions.</param>
/// <param name="Owner">Whose secrets.</param>
/// <param name="Key">See <see cref="Secret.KeyOf"/>.</param>
internal readonly record struct CandidateKey(int Question, SecretOwner Owner, byte[] Key);
