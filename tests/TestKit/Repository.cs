using Xunit;

namespace Secrets.TestKit;

/// <summary>Files beside the tests.</summary>
public static class Repository
{
    /// <summary>The folder that holds the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>
    /// The OpenAPI document of a vendor. It is not part of this repository. Without it the calling test is skipped.
    /// </summary>
    public static string VendorDocument(string name)
    {
        var file = Path.Combine(Root, "..", "shared", "contracts", name);
        Assert.SkipUnless(File.Exists(file), $"The vendor's document does not exist: ../shared/contracts/{name}");
        return Path.GetFullPath(file);
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Secrets.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("Secrets.sln was not found above the tests.");
    }
}
