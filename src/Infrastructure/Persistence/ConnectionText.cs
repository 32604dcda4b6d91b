using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence;

/// <summary>A connection string as a driver reads it.</summary>
internal static class ConnectionText
{
    /// <summary>Reads one.</summary>
    /// <param name="text">The connection string.</param>
    /// <param name="read">How the driver does.</param>
    /// <param name="serverOf">What it found as the server's name.</param>
    /// <exception cref="StartupException">The driver cannot, or finds no server.</exception>
    public static T Read<T>(string text, Func<string, T> read, Func<T, string?> serverOf)
    {
        try
        {
            var connection = read(text);
            return string.IsNullOrWhiteSpace(serverOf(connection)) ? throw new StartupException("ConnectionStrings:Secrets names no server.") : connection;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or OverflowException)
        {
            // Without the driver's own words: they quote, and with a stray semicolon what they quote is part of a password.
            throw new StartupException("ConnectionStrings:Secrets is not a connection string that the driver of this database understands.");
        }
    }
}
