using System.Reflection;
using System.Text.RegularExpressions;
using Secrets.Application.Common;
using Secrets.Domain.Secrets;
using Secrets.EmbeddedPostgres;
using Secrets.Infrastructure.Foundation;
using Secrets.TestKit;

namespace Secrets.Architecture.Tests;

public sealed partial class ArchitectureDocument
{
    private const BindingFlags AnyMember = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance;

    /// <summary>A name is <c>Type</c>, <c>Type.Member</c> or the last part of a namespace.</summary>
    [Fact]
    public void Names_of_code_exist()
    {
        var types = new[] { typeof(Secret), typeof(Caller), typeof(StartupException), typeof(EmbeddedEngine), typeof(Program) }
            .SelectMany(type => type.Assembly.GetTypes())
            .ToLookup(type => type.Name.Split('`')[0], StringComparer.Ordinal);
        var folders = types.SelectMany(group => group).Select(type => type.Namespace?.Split('.')[^1]).ToHashSet(StringComparer.Ordinal);
        var names = CodeName().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "architecture.md")))
            .Select(match => (Type: match.Groups["type"].Value, Member: match.Groups["member"].Value)).ToList();
        Assert.NotEmpty(names);
        Assert.DoesNotContain(names, name => name.Member.Length > 0
            ? !types[name.Type].Any(type => type.GetMember(name.Member, AnyMember).Length > 0)
            : !types.Contains(name.Type) && !folders.Contains(name.Type));
    }

    [GeneratedRegex(@"`(?<type>[A-Z]\w+)(\.(?<member>[A-Z]\w+))?`", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex CodeName();
}
