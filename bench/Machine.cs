using System.Globalization;
using System.Runtime.InteropServices;

namespace Secrets.Bench;

/// <summary>Describes the machine of the measurements.</summary>
internal static class Machine
{
    public static string Describe(string server, string fileSystem) => string.Create(CultureInfo.InvariantCulture, $"""
        Machine: {Processor()}, {Environment.ProcessorCount} cores for load, service and database together,
        {Gigabytes(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)} GB of memory, {OperatingSystemName()}, {RuntimeInformation.FrameworkDescription}, {server} (embedded,
        fsync and synchronous_commit on, data on {fileSystem}).
        """);

    private static string Gigabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0}");

    private static string Processor() =>
        File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(": ")[1]
                ?? RuntimeInformation.ProcessArchitecture.ToString()
            : RuntimeInformation.ProcessArchitecture.ToString();

    private static string OperatingSystemName() =>
        File.Exists("/etc/os-release")
            ? File.ReadLines("/etc/os-release").FirstOrDefault(line => line.StartsWith("PRETTY_NAME=", StringComparison.Ordinal))?[12..].Trim('"')
                ?? RuntimeInformation.OSDescription
            : RuntimeInformation.OSDescription;
}
