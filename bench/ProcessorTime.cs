using System.Diagnostics;
using System.Globalization;

namespace Secrets.Bench;

/// <summary>
/// Processor time by who spent it. Requests per second on a busy machine say little about a change; what a request costs says more.
/// </summary>
internal readonly record struct ProcessorTime(TimeSpan Service, TimeSpan Database, TimeSpan Load)
{
    private const double TicksPerSecond = 100; // of the kernel's accounting, on every platform that .NET runs on

    public static ProcessorTime Zero => default;

    /// <summary>Whether the system tells what the database's processes spend.</summary>
    public static bool IsKnown => OperatingSystem.IsLinux();

    public static ProcessorTime operator +(ProcessorTime one, ProcessorTime other) =>
        new(one.Service + other.Service, one.Database + other.Database, one.Load + other.Load);

    public static ProcessorTime operator -(ProcessorTime one, ProcessorTime other) =>
        new(one.Service - other.Service, one.Database - other.Database, one.Load - other.Load);

    /// <summary>What was spent until now.</summary>
    public static ProcessorTime Read(Process service, int postmaster)
    {
        service.Refresh();
        return new ProcessorTime(service.TotalProcessorTime, OfServer(postmaster), Environment.CpuUsage.TotalTime);
    }

    private static TimeSpan OfServer(int postmaster)
    {
        if (!IsKnown) return TimeSpan.Zero;

        long ticks = 0;
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)) continue;
            try
            {
                // The name of the program, in brackets, may hold anything; the fields after it are numbers.
                var stat = File.ReadAllText(Path.Combine(directory, "stat"));
                var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                if (pid == postmaster) ticks += Sum(fields, 11, 14); // with the children that have ended
                else if (int.Parse(fields[1], CultureInfo.InvariantCulture) == postmaster) ticks += Sum(fields, 11, 12);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It ended while we looked.
            }
        }

        return TimeSpan.FromSeconds(ticks / TicksPerSecond);
    }

    private static long Sum(string[] fields, int first, int last) =>
        fields[first..(last + 1)].Sum(field => long.Parse(field, CultureInfo.InvariantCulture));
}
