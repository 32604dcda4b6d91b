namespace Secrets.TestKit;

/// <summary>Generates a client from an OpenAPI document with NSwag, builds it with a program, and runs the program.</summary>
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

    /// <summary>The folder of our generator scripts.</summary>
    public static string Folder { get; } = Path.Combine(Repository.Root, "eng", "nswag");

    /// <summary>Returns the output of the program. The client is the class <c>Generated.Client</c>, generated without our templates.</summary>
    /// <param name="document">The document's file.</param>
    /// <param name="program">Top-level statements.</param>
    /// <param name="arguments">Arguments of the program.</param>
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

        // `dotnet run` would mix warnings of the build into the output of the program.
        await Tools.RunAsync(scratch.Folder, "dotnet", ["build", "--output", "out"]);
        return await Tools.RunAsync(scratch.Folder, "dotnet", [Path.Combine("out", "Client.dll"), .. arguments]);
    }
}
