using Secrets.Infrastructure.Foundation;

namespace Secrets.EmbeddedPostgres.Tests;

/// <summary>Files that the service can neither read nor write. A directory in place of a file stops even root.</summary>
public sealed class HoldingTheDirectory
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lock_is_released_if_its_pid_file_cannot_be_written()
    {
        await using var directory = new ServerDirectory();
        var holder = directory.In("lock.pid");
        Directory.CreateDirectory(holder);
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => DirectoryLock.TakeAsync(directory.Path, TimeProvider.System, Ct));

        Directory.Delete(holder);
        using var taken = await DirectoryLock.TakeAsync(directory.Path, TimeProvider.System, Ct);
    }

    [Fact]
    public async Task An_unreadable_pid_file_stops_the_start_and_is_kept()
    {
        await using var directory = await new ServerDirectory().WithClusterAsync();
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
    public async Task Settings_on_which_the_service_relies_cannot_be_set(string name)
    {
        await using var directory = new ServerDirectory();
        var options = directory.Options();
        options.Settings[name] = "1";
        await using var server = directory.Server(options);

        var refusal = await Assert.ThrowsAsync<StartupException>(() => server.StartAsync(Ct));

        Assert.StartsWith($"Embedded__Settings__{name} cannot be set", refusal.Message, StringComparison.Ordinal);
    }
}
