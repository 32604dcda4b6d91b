using System.Globalization;
using System.Runtime.CompilerServices;

namespace Secrets.Api;

/// <summary>
/// Makes all threads use the invariant culture, regardless of the machine's language. The SQL Server driver does not work with the runtime's
/// invariant mode (docs/decisions/0013-sql-server-driver.md).
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
