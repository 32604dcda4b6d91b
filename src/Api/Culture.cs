using System.Globalization;
using System.Runtime.CompilerServices;

namespace Secrets.Api;

/// <summary>
/// Every thread formats and compares alike, whatever language the machine is set to. The runtime's own switch for that would keep the driver of
/// SQL Server from working (docs/decisions/0013-sql-server-driver.md).
/// </summary>
internal static class Culture
{
    [ModuleInitializer]
    internal static void Pin()
    {
        CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.InvariantCulture;
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.InvariantCulture;
    }
}
