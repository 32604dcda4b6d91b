namespace Secrets.TestKit;

/// <summary>Makes a client of an OpenAPI document with NSwag, builds it with a program around it, and runs that.</summary>
public static class Nswag
{
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

    /// <summary>Where our scripts around the generator are.</summary>
    public static string Folder { get; } = Path.Combine(Repository.Root, "eng", "nswag");

    /// <summary>What the program prints. The client is the class <c>Generated.Client</c>, as the generator makes it without our templates.</summary>
    /// <param name="document">The document's file.</param>
    /// <param name="program">Top-level statements.</param>
    /// <param name="arguments">What the program is called with.</param>
    public static async Task<string> RunClientAsync(string document, string program, params string[] arguments)
    {
        using var scratch = new Scratch();
        await Tools.RunAsync(Repository.Root, "dotnet", ["tool", "restore"]);
        await Tools.RunAsync(
            Repository.Root,
            "dotnet",
            [
                "nswag",
                "openapi2csclient",
                $"/input:{document}",
                $"/output:{Path.Combine(scratch.Folder, "Client.cs")}",
                "/namespace:Generated",
                "/className:Client",
                "/jsonLibrary:SystemTextJson",
                "/operationGenerationMode:SingleClientFromOperationId",
                "/generateOptionalPropertiesAsNullable:true",
                "/generateOptionalParameters:true",
            ]);
        await scratch.WriteAsync("Program.cs", program);
        await scratch.WriteAsync("Client.csproj", Project);

        // Not `dotnet run`, which prints warnings of the build between what the program prints.
        await Tools.RunAsync(scratch.Folder, "dotnet", ["build", "--output", "out"]);
        return await Tools.RunAsync(scratch.Folder, "dotnet", [Path.Combine("out", "Client.dll"), .. arguments]);
    }
}
