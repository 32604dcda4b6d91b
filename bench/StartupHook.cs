using System.Globalization;

/// <summary>
/// Runs in the service's process before the service. It reports allocated bytes and compiled methods, which no other process can see. The runtime looks
/// for this name without a namespace.
/// </summary>
#pragma warning disable MA0047 // No namespace: see above.
internal static class StartupHook
#pragma warning restore MA0047
{
    public const string FileSetting = "BENCH_RUNTIME";

    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(FileSetting) is { } file)
        {
            new Thread(() => Report(file)) { IsBackground = true, Name = "bench" }.Start();
        }
    }

    private static void Report(string file)
    {
        while (true)
        {
            File.WriteAllText(
                file + ".new",
                string.Create(CultureInfo.InvariantCulture, $"{GC.GetTotalAllocatedBytes()} {System.Runtime.JitInfo.GetCompiledMethodCount()}"));
            File.Move(file + ".new", file, overwrite: true);
            Thread.Sleep(Interval);
        }
    }
}
