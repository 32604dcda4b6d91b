using System.Globalization;
using System.Runtime.CompilerServices;

namespace Secrets.Api.Tests.Running;

/// <summary>The culture of the machine has no effect.</summary>
public sealed class IgnoringTheCulture
{
    [Fact]
    public async Task Every_thread_uses_the_invariant_culture()
    {
        RuntimeHelpers.RunModuleConstructor(typeof(Program).Module.ModuleHandle);

        Assert.Equal(CultureInfo.InvariantCulture, CultureInfo.DefaultThreadCurrentCulture);
        Assert.Equal(CultureInfo.InvariantCulture, CultureInfo.DefaultThreadCurrentUICulture);
        Assert.Equal(CultureInfo.InvariantCulture, await Task.Run(() => CultureInfo.CurrentCulture));
    }
}
