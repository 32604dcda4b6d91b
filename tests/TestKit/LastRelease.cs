using Xunit;

namespace Secrets.TestKit;

/// <summary>The last released version of the service, which <c>eng/last-release</c> builds from its commit.</summary>
public static class LastRelease
{
    private static string Folder { get; } = Path.Combine(Repository.Root, "artifacts", "last-release");

    /// <summary>Secrets.Api.dll of that version.</summary>
    public static string Assembly => Path.Combine(Folder, "service", "Secrets.Api.dll");

    /// <summary>Whether the version was built.</summary>
    public static bool IsThere => File.Exists(Assembly);

    /// <summary>Skips the test if the version was not built.</summary>
    public static void SkipUnlessThere() => Assert.SkipUnless(IsThere, "The last release was not built: run eng/last-release");

    /// <summary>The script that makes the tables of that version.</summary>
    /// <param name="database">The name of the script in docs/sql, without its ending.</param>
    public static Task<string> ScriptAsync(string database) => File.ReadAllTextAsync(Path.Combine(Folder, "sql", $"{database}.sql"));
}
