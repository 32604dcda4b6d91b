using Npgsql;
using Secrets.Infrastructure.Foundation;

namespace Secrets.EmbeddedPostgres;

/// <summary>Who the service is in the database, and how it gets in.</summary>
internal sealed class ServiceRole(DataDirectory data, ServerAddress address)
{
    // The service's role may create databases and nothing more. The superuser exists for a person with psql.
    public const string Superuser = "postgres";
    private const string Name = "secrets";
    private const string Database = "secrets";

    /// <summary>How to reach the server, which runs. The database in the answer need not exist yet.</summary>
    /// <remarks>The role is made at the first start, and again should the directory be restored with another password file.</remarks>
    public async Task<string> IdentifyAsync(CancellationToken cancellationToken)
    {
        var password = data.ReadPassword();
        var target = new NpgsqlConnectionStringBuilder
        {
            Host = address.Host,
            Port = address.Port,
            Username = Name,
            Password = password,
            Database = Database,
            MaxPoolSize = 90, // below max_connections, of which a few are the superuser's
            SslMode = SslMode.Disable,
            GssEncryptionMode = GssEncryptionMode.Disable,
        };
        var probe = new NpgsqlConnectionStringBuilder(target.ConnectionString) { Database = "postgres", Pooling = false };
        try
        {
            if (!await LetsInAsync(probe.ConnectionString, cancellationToken))
            {
                probe.Username = Superuser;
                await using var connection = new NpgsqlConnection(probe.ConnectionString);
                await connection.OpenAsync(cancellationToken);
                await MakeRoleAsync(connection, password, cancellationToken);
            }
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.InvalidPassword)
        {
            throw new StartupException(
                $"The password in {data.PasswordFile} is not the one of the database in {data.Cluster}: restore both from the same backup.",
                exception);
        }
        catch (NpgsqlException exception)
        {
            throw new StartupException($"The embedded PostgreSQL in {data.Path} runs and does not answer: {exception.Message}", exception);
        }

        return target.ConnectionString;
    }

    private static async Task<bool> LetsInAsync(string connectionString, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = new NpgsqlConnection(connectionString);
            await connection.OpenAsync(cancellationToken);
            return true;
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.InvalidPassword)
        {
            return false;
        }
    }

    private static async Task MakeRoleAsync(NpgsqlConnection connection, string password, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = '{Name}')";
        var verb = await command.ExecuteScalarAsync(cancellationToken) is true ? "ALTER" : "CREATE";
        // CREATE ROLE takes no parameters. The password is ours and hexadecimal; anything else is refused rather than quoted.
        if (!password.All(char.IsAsciiLetterOrDigit))
        {
            throw new StartupException("The password file holds characters that this service never writes.");
        }

        command.CommandText = $"{verb} ROLE {Name} LOGIN CREATEDB PASSWORD '{password}'";
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
