namespace Secrets.Bench;

/// <summary>docs/performance.md: it has one part for each kind of run, and each run writes its own part.</summary>
internal static class PerformancePage
{
    /// <summary>Replaces the part with that title, or adds it.</summary>
    public static async Task WriteAsync(string title, string part, CancellationToken cancellationToken)
    {
        var file = Path.Combine(Workspace.RepositoryRoot, "docs", "performance.md");
        var text = File.Exists(file) ? await File.ReadAllTextAsync(file, cancellationToken) : "";
        var parts = text.Split("\n# ").Select((one, at) => at == 0 ? one : "# " + one).Where(one => one.Trim().Length > 0).ToList();
        var at = parts.FindIndex(one => one.StartsWith(title, StringComparison.Ordinal));
        if (at < 0) parts.Add(part);
        else parts[at] = part;
        await File.WriteAllTextAsync(file, string.Join("\n", parts.Select(one => one.TrimEnd() + "\n")), cancellationToken);
        await Console.Error.WriteLineAsync("Wrote docs/performance.md.");
    }
}
