using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Secrets.Infrastructure.Persistence.Postgres;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Persistence;

/// <summary>Settings in the connection string override the service's defaults.</summary>
public sealed partial class BehindAPooler
{
    private const string Ours = "-c plan_cache_mode=force_generic_plan";

    [Fact]
    public void What_the_documents_say_to_add_switches_off_everything_that_needs_a_session_of_its_own()
    {
        var added = ForPoolers().Match(File.ReadAllText(Path.Combine(Repository.Root, "docs", "postgresql.md")));
        Assert.True(added.Success);

        var connection = Configured($"Host=nowhere;{added.Value}");

        Assert.Equal(0, connection.MaxAutoPrepare);
        Assert.Equal("", connection.Options ?? "");
    }

    [Theory]
    [InlineData("", Ours)]
    [InlineData(";Options=", Ours)]
    [InlineData(";Options=''", "")]
    [InlineData(";Options=\"\"", "")]
    [InlineData(";Options='-c jit=off'", "-c jit=off")]
    public void Options_that_are_said_replace_ours(string said, string expected) =>
        Assert.Equal(expected, Configured($"Host=nowhere{said}").Options ?? "");

    private static NpgsqlConnectionStringBuilder Configured(string connectionString)
    {
        var options = new DbContextOptionsBuilder<PostgresSecretsDbContext>();
        PostgresEngine.Configure(options, connectionString);
        using var db = new PostgresSecretsDbContext(options.Options);
        return new NpgsqlConnectionStringBuilder(db.Database.GetConnectionString());
    }

    [GeneratedRegex("(?<=`)Max Auto Prepare=[^`]*(?=`)")]
    private static partial Regex ForPoolers();
}
