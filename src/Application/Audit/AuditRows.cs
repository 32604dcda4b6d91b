using System.Text.Json;

namespace Secrets.Application.Audit;

/// <summary>Rows of the audit as they stand in a database that others can write to as well.</summary>
public static class AuditRows
{
    /// <summary>
    /// Whether this was thrown because of what is in a row. The service never writes what it cannot read, such as a moment in the year 4000 before our era.
    /// </summary>
    public static bool AreUnreadable(Exception exception) =>
        exception is InvalidCastException or OverflowException or ArgumentOutOfRangeException or JsonException;
}
