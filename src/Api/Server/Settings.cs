namespace Secrets.Api.Server;

internal static class Settings
{
    /// <summary>The entries of a list that is one setting, separated by commas.</summary>
    public static string[] Split(string? list) =>
        list?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
}
