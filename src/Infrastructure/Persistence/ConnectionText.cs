using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Parses connection strings.</summary>
internal static class ConnectionText
{
    /// <summary>Parses a connection string.</summary>
    /// <param name="text">The connection string.</param>
    /// <param name="read">The driver's parser.</param>
    /// <param name="serverOf">Gets the server's name from the parsed string.</param>
    /// <exception cref="StartupException">The driver cannot parse the text, or it names no server.</exception>
    public static T Read<T>(string text, Func<string, T> read, Func<T, string?> serverOf)
    {
        try
        {
            var connection = read(text);
            return string.IsNullOrWhiteSpace(serverOf(connection)) ? throw new StartupException("ConnectionStrings:Secrets names no server.") : connection;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or OverflowException)
        {
            // Without the driver's message: it quotes the text, and after a stray semicolon that may be a part of the password.
            throw new StartupException("ConnectionStrings:Secrets is not a connection string that the driver of this database understands.");
        }
    }
}
