using Npgsql;

namespace Secrets.EmbeddedPostgres;

/// <summary>The database role of the service.</summary>
internal sealed class ServiceRole(DataDirectory data, ServerAddress address)
{
    /// <summary>For a person with psql. The service logs in as it only to create its own role.</summary>
    public const string Superuser = "postgres";

    // This role may create databases and nothing more.
    private const string Name = "secrets";
    private const string Database = "secrets";

    /// <summary>Creates the role on a running server, or sets its password if the password file was restored from elsewhere.</summary>
    /// <returns>The connection string of the role. Its database need not exist yet.</returns>
    /// <exception cref="StartupException">The password is wrong, or the server does not answer.</exception>
    public async Task<string> EnsureAsync(CancellationToken cancellationToken)
    {
        var password = data.ReadPassword();
        var target = new NpgsqlConnectionStringBuilder
        {
            Host = address.Host,
            Port = address.Port,
            Username = Name,
            Password = password,
            Database = Database,
            MaxPoolSize = 90, // below max_connections, which reserves a few for the superuser
            SslMode = SslMode.Disable,
            GssEncryptionMode = GssEncryptionMode.Disable,
        };
        var probe = new NpgsqlConnectionStringBuilder(target.ConnectionString) { Database = "postgres", Pooling = false };
        try
        {
            if (!await CanLogInAsync(probe.ConnectionString, cancellationToken))
            {
                probe.Username = Superuser;
                await using var connection = new NpgsqlConnection(probe.ConnectionString);
                await connection.OpenAsync(cancellationToken);
                await CreateOrAlterAsync(connection, password, cancellationToken);
            }
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.InvalidPassword)
        {
            throw new StartupException(
                $"The password in {data.PasswordFile} does not fit the database in {data.Cluster}: restore both from the same backup.",
                exception);
        }
        catch (NpgsqlException exception)
        {
            throw new StartupException($"The embedded PostgreSQL in {data.Path} runs but does not answer: {exception.Message}", exception);
        }

        return target.ConnectionString;
    }

    private static async Task<bool> CanLogInAsync(string connectionString, CancellationToken cancellationToken)
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

    private async Task CreateOrAlterAsync(NpgsqlConnection connection, string password, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = '{Name}')";
        var verb = await command.ExecuteScalarAsync(cancellationToken) is true ? "ALTER" : "CREATE";

        // CREATE ROLE takes no parameters. Our passwords are hexadecimal, so any other password is refused and never quoted.
        if (!password.All(char.IsAsciiLetterOrDigit))
        {
            throw new StartupException($"{data.PasswordFile} contains characters that this service never writes: restore it from a backup.");
        }

        command.CommandText = $"{verb} ROLE {Name} LOGIN CREATEDB PASSWORD '{password}'";
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
