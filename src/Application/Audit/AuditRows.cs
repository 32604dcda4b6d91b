using System.Data.SqlTypes;
using System.Text.Json;

namespace Secrets.Application.Audit;

/// <summary>Rows of the audit, which somebody may have changed outside the service.</summary>
public static class AuditRows
{
    /// <summary>
    /// Whether a row's content caused the exception. The service never writes a value that it cannot read, such as a moment in the year 4000 BC.
    /// EF Core and the reader of JSON throw an InvalidOperationException for text that is not a JSON list.
    /// </summary>
    public static bool AreUnreadable(Exception exception) =>
        exception is InvalidCastException or OverflowException or ArgumentOutOfRangeException or JsonException or SqlNullValueException
            or InvalidOperationException { TargetSite.DeclaringType.Namespace: "Microsoft.EntityFrameworkCore.Storage.Json" or "System.Text.Json" };
}
