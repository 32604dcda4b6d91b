using Secrets.TestKit;

namespace Secrets.Architecture.Tests;

/// <summary>The project files, which must build on any machine.</summary>
public sealed class Projects
{
    private static readonly EnumerationOptions Everywhere = new() { RecurseSubdirectories = true };

    /// <summary>
    /// MSBuild's property NuGetPackageRoot ends with a slash by default, and without one if NUGET_PACKAGES has none: a path that continues it directly does not exist
    /// then. GeneratePathProperty gives the folder of one package.
    /// </summary>
    [Fact]
    public void No_project_builds_a_path_from_the_folder_of_all_packages()
    {
        var files = new[] { "*.csproj", "*.props", "*.targets" }
            .SelectMany(pattern => Directory.EnumerateFiles(Repository.Root, pattern, Everywhere))
            .Select(file => Path.GetRelativePath(Repository.Root, file))
            .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(folder => folder is "obj" or "bin" or "node_modules"))
            .ToList();
        Assert.True(files.Count >= 15, $"only {files.Count} project files");

        Assert.DoesNotContain(
            files,
            file => File.ReadAllText(Path.Combine(Repository.Root, file)) is var text
                && (text.Contains("NuGetPackageRoot", StringComparison.OrdinalIgnoreCase) || text.Contains("NUGET_PACKAGES", StringComparison.Ordinal)));
    }
}
