using Secrets.Infrastructure.Foundation;

namespace Secrets.EmbeddedPostgres.Tests;

public sealed class FindingThePrograms : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("secrets-test-").FullName;

    public FindingThePrograms()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the stand-ins are shell scripts");
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Without_any_the_error_says_what_to_install()
    {
        var refusal = await Assert.ThrowsAsync<StartupException>(() => FindAsync(null, _root, "/nowhere"));

        foreach (var way in new[] { "npm ci", "install PostgreSQL", "Embedded__BinariesDirectory", "Database__Provider=Postgres" })
        {
            Assert.Contains(way, refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_configured_directory_without_programs_is_named()
    {
        var refusal = await Assert.ThrowsAsync<StartupException>(() => PostgresBinaries.FindAsync(
            new EmbeddedOptions { BinariesDirectory = _root }, null, TimeProvider.System, CancellationToken.None));

        Assert.Contains(_root, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_first_that_runs_and_is_recent_enough_is_used()
    {
        var broken = Programs("broken", "exit 1");
        var old = Programs("old", "echo 'postgres (PostgreSQL) 13.9'");
        var good = Programs("good", "echo 'postgres (PostgreSQL) 17.2 (Debian 17.2-1)'");
        var better = Programs("better", "echo 'postgres (PostgreSQL) 18.4'");

        Assert.Equal(new PostgresBinaries(good, 17), await FindAsync(null, broken, old, good, better));
    }

    [Fact]
    public async Task Only_the_version_that_created_a_cluster_opens_it()
    {
        var newest = Programs("newest", "echo 'postgres (PostgreSQL) 18.4'");
        var same = Programs("same", "echo 'postgres (PostgreSQL) 16.1'");

        Assert.Equal(new PostgresBinaries(same, 16), await FindAsync(16, newest, same));
        var refusal = await Assert.ThrowsAsync<StartupException>(() => FindAsync(15, newest, same));
        Assert.Contains("created by PostgreSQL 15, and only 18", refusal.Message, StringComparison.Ordinal);
    }

    private static Task<PostgresBinaries> FindAsync(int? clusterMajor, params string[] candidates) =>
        PostgresBinaries.FindAsync(candidates, new EmbeddedOptions(), clusterMajor, TimeProvider.System, CancellationToken.None);

    private string Programs(string name, string script)
    {
        var directory = Directory.CreateDirectory(Path.Combine(_root, name)).FullName;
        foreach (var program in new[] { "postgres", "pg_ctl", "initdb" })
        {
            var file = Path.Combine(directory, program);
            File.WriteAllText(file, $"#!/bin/sh\n{script}\n");
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        return directory;
    }
}
