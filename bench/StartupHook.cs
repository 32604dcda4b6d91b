using System.Globalization;

/// <summary>
/// Runs in the service's process before it does (the runtime looks for this name, in no namespace): says how much was allocated and how many
/// methods were compiled, which no other process can see.
/// </summary>
#pragma warning disable MA0047 // In no namespace: see above.
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
