using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Secrets.Application.Common;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Postgres;

namespace Secrets.Infrastructure.Tests.Persistence;

/// <summary>The start-up error if the database fails.</summary>
public sealed class SayingWhyItCannotBeUsed
{
    private static readonly PostgresException Refused = new("permission denied for table key_ring", "ERROR", "ERROR", PostgresErrorCodes.InsufficientPrivilege);

    public static TheoryData<Exception, string> Failures() => new()
    {
        { Refused, "42501: permission denied for table key_ring" },
        { new DbUpdateException("Could not be saved.", Refused), "42501: permission denied for table key_ring" },
        { new CryptographicException("Could not be encrypted.", new InvalidOperationException("No key.", Refused)), "42501: permission denied for table key_ring" },
        { new NpgsqlException("Failed to connect", new IOException("The connection was closed.")), "Failed to connect (The connection was closed.)" },
        { new NpgsqlException("No such host", new IOException("No such host")), "No such host" },
        { new NpgsqlException("One line\r\nand another"), "One line and another" },
        { new SocketException(0), new SocketException(0).Message },
        { new UnavailableException(), "it does not answer." },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task Is_said_in_one_line_in_the_words_of_the_driver(Exception failure, string expected)
    {
        var said = await Assert.ThrowsAsync<StartupException>(() => FailAsync("Host=nowhere;Password=hunter2", failure));

        Assert.Equal($"The database at tcp://nowhere:5432 cannot be used: {expected}", said.Message);
    }

    [Fact]
    public async Task Names_no_server_where_there_are_several()
    {
        var said = await Assert.ThrowsAsync<StartupException>(() => FailAsync("Host=nowhere,elsewhere;Password=hunter2", Refused));

        Assert.StartsWith("The database cannot be used: ", said.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_about_the_database_passes()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => FailAsync("Host=nowhere", new InvalidOperationException()));
        Assert.Equal("as it is", (await Assert.ThrowsAsync<StartupException>(() => FailAsync("Host=nowhere", new StartupException("as it is")))).Message);
    }

    private static async Task FailAsync(string connectionString, Exception failure)
    {
        var options = new DbContextOptionsBuilder<PostgresSecretsDbContext>();
        PostgresEngine.Configure(options, connectionString);
        await using var db = new PostgresSecretsDbContext(options.Options);

        var database = new StartupDatabase(db, new PostgresFaults(), Options.Create(new DatabaseOptions()), TimeProvider.System, NullLogger<StartupDatabase>.Instance);
        await database.UseAsync(() => throw failure, TestContext.Current.CancellationToken);
    }
}
