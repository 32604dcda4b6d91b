using System.Text;
using System.Text.Json;
using Secrets.Infrastructure.Persistence.SqlServer;

namespace Secrets.Infrastructure.Tests.SqlServer;

public sealed class ReadingGrants
{
    [Fact]
    public void Workspaces_come_back_from_the_bytes_that_are_stored()
    {
        string[] workspaces = ["support", "support ", "b\u00FCro", "bu\u0308ro", "\U0001F511", "\"]", "*"];

        // As FOR JSON PATH writes a column of bytes.
        var json = JsonSerializer.Serialize(workspaces.Select(name => new { workspace = Convert.ToBase64String(Encoding.UTF8.GetBytes(name)) }));

        Assert.Equal(workspaces, SqlServerCandidateReader.Workspaces(json));
    }
}
