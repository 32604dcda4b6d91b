using System.Text.RegularExpressions;
using Secrets.TestKit;

namespace Secrets.Architecture.Tests;

/// <summary>Which folder of a project uses which, read from the sources. "." is the project's own folder.</summary>
/// <remarks>
/// A folder uses another if one of its files imports the other's namespace, or names a type of it: an enclosing namespace needs no import. An import that nothing
/// uses does not build.
/// </remarks>
internal sealed partial class FolderGraph
{
    public const string Top = ".";

    private readonly SortedDictionary<string, SortedSet<string>> _uses = new(StringComparer.Ordinal);

    private FolderGraph(string project, IReadOnlyList<Source> sources)
    {
        var typesOf = sources.ToLookup(source => source.Folder, StringComparer.Ordinal);
        foreach (var source in sources)
        {
            var uses = _uses.TryGetValue(source.Folder, out var known) ? known : _uses[source.Folder] = new SortedSet<string>(StringComparer.Ordinal);
            var own = typesOf[source.Folder].SelectMany(file => file.Types).ToHashSet(StringComparer.Ordinal);
            uses.UnionWith(typesOf.Select(other => other.Key).Where(other => other != source.Folder
                && (source.Imports.Contains(NamespaceOf(project, other)) || source.Names(other, typesOf[other].SelectMany(file => file.Types).Where(type => !own.Contains(type))))));
        }
    }

    /// <summary>The folders that hold sources.</summary>
    public IEnumerable<string> Folders => _uses.Keys;

    /// <summary>Reads a project under src/.</summary>
    public static FolderGraph Read(string project)
    {
        var root = Path.Combine(Repository.Root, "src", project);
        var sources = Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Select(path => (Folder: Path.GetRelativePath(root, Path.GetDirectoryName(path)!).Replace('\\', '/'), Path: path))
            .Where(file => !file.Folder.Split('/').Any(part => part is "bin" or "obj" or "Migrations"))
            .Select(file => new Source(file.Folder, File.ReadAllText(file.Path)))
            .ToList();
        Assert.NotEmpty(sources);
        return new FolderGraph(project, sources);
    }

    /// <summary>The folders that a folder uses.</summary>
    public IReadOnlySet<string> UsesOf(string folder) => _uses[folder];

    /// <summary>A way from a folder back to itself; null: there is none.</summary>
    public IReadOnlyList<string>? FindCycle()
    {
        var done = new HashSet<string>(StringComparer.Ordinal);
        return Folders.Select(folder => FindCycle(folder, [], done)).FirstOrDefault(cycle => cycle is not null);
    }

    private List<string>? FindCycle(string folder, List<string> path, HashSet<string> done)
    {
        if (path.IndexOf(folder) is >= 0 and var start)
        {
            return [.. path[start..], folder];
        }

        if (done.Contains(folder))
        {
            return null;
        }

        path.Add(folder);
        var cycle = UsesOf(folder).Select(used => FindCycle(used, path, done)).FirstOrDefault(found => found is not null);
        path.Remove(folder);
        done.Add(folder);
        return cycle;
    }

    private static string NamespaceOf(string project, string folder) => folder == Top ? $"Secrets.{project}" : $"Secrets.{project}.{folder.Replace('/', '.')}";

    private sealed partial class Source
    {
        private readonly string _code;

        public Source(string folder, string text)
        {
            Folder = folder;
            Imports = Import().Matches(text).Select(match => match.Groups["namespace"].Value).ToHashSet(StringComparer.Ordinal);
            Types = [.. Declaration().Matches(text).Select(match => match.Groups["name"].Value)];
            _code = CommentOrText().Replace(text, "");
        }

        public string Folder { get; }

        public IReadOnlySet<string> Imports { get; }

        /// <summary>The types that the file declares outside of any other.</summary>
        public IReadOnlyList<string> Types { get; }

        /// <summary>Whether the code names a type of an enclosing folder, or of any folder by the folder's name.</summary>
        public bool Names(string folder, IEnumerable<string> types)
        {
            var encloses = folder == Top || Folder.StartsWith($"{folder}/", StringComparison.Ordinal);
            var qualifier = $@"\b{Regex.Escape(folder.Split('/')[^1])}\.";
            return types.Any(type => encloses
                ? Regex.IsMatch(_code, $@"(?<![\w.]){type}\b", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1))
                : Regex.IsMatch(_code, $@"{qualifier}{type}\b", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)));
        }

        [GeneratedRegex(@"^using (static )?(?<namespace>Secrets[\w.]*);", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
        private static partial Regex Import();

        [GeneratedRegex(
            @"^(?:(?:public|internal|file|static|sealed|abstract|partial|readonly) )*(?:class|record struct|record|struct|interface|enum|delegate \S+) (?<name>\w+)",
            RegexOptions.Multiline | RegexOptions.ExplicitCapture,
            matchTimeoutMilliseconds: 1_000)]
        private static partial Regex Declaration();

        [GeneratedRegex("""
            //.*|"{3}(.|\n)*?"{3}|"(\\.|[^"\\\n])*"
            """, RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
        private static partial Regex CommentOrText();
    }
}
