using Secrets.Infrastructure.Foundation;

namespace Secrets.EmbeddedPostgres.Tests;

/// <summary>Files that cannot be read or written where the service keeps its own. A directory in their place is refused even to root.</summary>
public sealed class HoldingTheDirectory
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lock_that_cannot_be_signed_is_let_go()
    {
        await using var directory = new ServerDirectory();
        var holder = directory.In("lock.pid");
        Directory.CreateDirectory(holder);
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => DirectoryLock.TakeAsync(directory.Path, TimeProvider.System, Ct));

        Directory.Delete(holder);
        using var taken = await DirectoryLock.TakeAsync(directory.Path, TimeProvider.System, Ct);
    }

    [Fact]
    public async Task A_pid_file_that_cannot_be_read_stops_the_start_and_stays()
    {
        await using var directory = await new ServerDirectory().MadeAsync();
        Directory.CreateDirectory(directory.PidFile);
        await using var server = directory.Server();

        var refusal = await Assert.ThrowsAsync<StartupException>(() => server.StartAsync(Ct));

        Assert.Contains("postmaster.pid", refusal.Message, StringComparison.Ordinal);
        Assert.True(Directory.Exists(directory.PidFile));
        Assert.Null(PostmasterFile.TryRead(directory.Cluster));
    }

    [Theory]
    [InlineData("port")]
    [InlineData("listen_addresses")]
    [InlineData("unix_socket_directories")]
    [InlineData("data_directory")]
    [InlineData("hba_file")]
    [InlineData("log_directory")]
    [InlineData("log_statement")]
    [InlineData("log_parameter_max_length")]
    public async Task What_the_service_decides_itself_cannot_be_set(string name)
    {
        await using var directory = new ServerDirectory();
        var options = directory.Options();
        options.Settings[name] = "1";
        await using var server = directory.Server(options);

        var refusal = await Assert.ThrowsAsync<StartupException>(() => server.StartAsync(Ct));

        Assert.StartsWith($"Embedded__Settings__{name} cannot be set", refusal.Message, StringComparison.Ordinal);
    }
}
