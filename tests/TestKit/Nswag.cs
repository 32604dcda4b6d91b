using System.Diagnostics;

namespace Secrets.TestKit;

/// <summary>Makes a client of an OpenAPI document with NSwag (eng/nswag), builds it with a program around it, and runs that.</summary>
public static class Nswag
{
    /// <summary>Long enough for a first <c>npm ci</c> on a busy machine.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(8);

    private const string Project =
        """
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <ImplicitUsings>enable</ImplicitUsings>
            <NuGetAudit>false</NuGetAudit>
            <NoWarn>$(NoWarn);CS8632</NoWarn>
          </PropertyGroup>
        </Project>
        """;

    /// <summary>What the program prints. The client is the class <c>Generated.Client</c>.</summary>
    /// <param name="document">The document's file.</param>
    /// <param name="program">Top-level statements.</param>
    /// <param name="arguments">What the program is called with.</param>
    public static async Task<string> RunClientAsync(string document, string program, params IReadOnlyList<string> arguments)
    {
        var nswag = Path.Combine(Repository.Root, "eng", "nswag");
        if (!File.Exists(Path.Combine(nswag, "node_modules", ".package-lock.json")))
        {
            await RunAsync(nswag, OperatingSystem.IsWindows() ? "npm.cmd" : "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund");
        }

        var folder = Directory.CreateTempSubdirectory("secrets-client-").FullName;
        try
        {
            await RunAsync(
                folder,
                "node",
                Path.Combine(nswag, "node_modules", "nswag", "bin", "nswag.js"),
                "openapi2csclient",
                "/runtime:Net100",
                $"/input:{document}",
                $"/output:{Path.Combine(folder, "Client.cs")}",
                "/namespace:Generated",
                "/className:Client",
                "/jsonLibrary:SystemTextJson",
                "/generateOptionalPropertiesAsNullable:true",
                "/generateOptionalParameters:true");
            await File.WriteAllTextAsync(Path.Combine(folder, "Program.cs"), program);
            await File.WriteAllTextAsync(Path.Combine(folder, "Client.csproj"), Project);
            await RunAsync(folder, "dotnet", "build", "--nologo", "--output", "out", "-p:UseSharedCompilation=false", "-nodeReuse:false");
            return await RunAsync(folder, "dotnet", [Path.Combine("out", "Client.dll"), .. arguments]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<string> RunAsync(string folder, string program, params IReadOnlyList<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(patience.Token), process.StandardError.ReadToEndAsync(patience.Token));
            await process.WaitForExitAsync(patience.Token);
            return process.ExitCode == 0
                ? await output
                : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {process.ExitCode}\n{await output}\n{await error}");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
