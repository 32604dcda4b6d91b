using Secrets.TestKit;
using static Secrets.EmbeddedPostgres.Tests.ServerDirectory;

namespace Secrets.EmbeddedPostgres.Tests;

public sealed class TheSharedTestServer
{
    [Fact]
    public async Task One_per_process_that_answers()
    {
        var server = await PostgresServer.SharedAsync();

        Assert.Same(server, await PostgresServer.SharedAsync());
        Assert.Equal(1, await AskAsync(server.ConnectionString("postgres"), "SELECT 1"));
    }
}
