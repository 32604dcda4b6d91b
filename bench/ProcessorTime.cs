using System.Diagnostics;
using System.Globalization;

namespace Secrets.Bench;

/// <summary>
/// Processor time of service, database and load. On a busy machine requests per second say little about a change. The cost of a request says more.
/// </summary>
internal readonly record struct ProcessorTime(TimeSpan Service, TimeSpan Database, TimeSpan Load)
{
    private const double TicksPerSecond = 100; // The kernel's accounting unit, on every platform of .NET.

    public static ProcessorTime Zero => default;

    /// <summary>Whether the system reports the processor time of the database's processes.</summary>
    public static bool IsKnown => OperatingSystem.IsLinux();

    public static ProcessorTime operator +(ProcessorTime one, ProcessorTime other) =>
        new(one.Service + other.Service, one.Database + other.Database, one.Load + other.Load);

    public static ProcessorTime operator -(ProcessorTime one, ProcessorTime other) =>
        new(one.Service - other.Service, one.Database - other.Database, one.Load - other.Load);

    /// <summary>The processor time until now.</summary>
    public static ProcessorTime Read(Process service, int postmaster)
    {
        service.Refresh();
        return new ProcessorTime(service.TotalProcessorTime, OfServer(postmaster), Environment.CpuUsage.TotalTime);
    }

    private static TimeSpan OfServer(int postmaster)
    {
        if (!IsKnown || postmaster == 0) return TimeSpan.Zero;

        long ticks = 0;
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)) continue;
            try
            {
                // The program name in brackets may contain anything. The fields after it are numbers.
                var stat = File.ReadAllText(Path.Combine(directory, "stat"));
                var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                if (pid == postmaster) ticks += Sum(fields, 11, 14); // Includes children that have ended.
                else if (int.Parse(fields[1], CultureInfo.InvariantCulture) == postmaster) ticks += Sum(fields, 11, 12);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // The process has ended meanwhile.
            }
        }

        return TimeSpan.FromSeconds(ticks / TicksPerSecond);
    }

    private static long Sum(string[] fields, int first, int last) =>
        fields[first..(last + 1)].Sum(field => long.Parse(field, CultureInfo.InvariantCulture));
}
