namespace Secrets.Api.Server;

internal static class Settings
{
    /// <summary>The entries of a comma-separated setting.</summary>
    public static string[] Split(string? list) =>
        list?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
}
