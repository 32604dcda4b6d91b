using System.IO.Compression;
using System.Text;
using System.Xml.Linq;
using Secrets.TestKit;

namespace Secrets.Client.Tests;

/// <summary>The client package in a project outside of the repository.</summary>
public sealed class Packing(ApiServer server)
{
    [Fact]
    public async Task A_project_outside_the_repository_restores_the_package_and_makes_every_call()
    {
        Tools.SkipUnlessFound("dotnet");
        using var scratch = new Scratch();
        var feed = Path.Combine(scratch.Folder, "feed");
        await Tools.RunAsync(Repository.Root, "dotnet", ["pack", "src/Client", "--output", feed]);
        CheckPackage(feed);
        await CheckVersionAsync(feed);

        // A local feed in addition to the configured ones, and a separate package folder: the shared folder would cache this version forever.
        await scratch.WriteAsync("nuget.config", """
            <configuration><packageSources><add key="local" value="feed" /></packageSources></configuration>
            """);
        await scratch.WriteAsync("Consumer.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings><Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <RestorePackagesPath>packages</RestorePackagesPath>
              </PropertyGroup>
              <ItemGroup><PackageReference Include="Secrets.Client" Version="{VersionOf(feed)}" /></ItemGroup>
            </Project>
            """);
        await scratch.WriteAsync("Program.cs", """
            using Microsoft.Extensions.DependencyInjection;
            using Secrets.Client;

            var services = new ServiceCollection();
            services.AddSecretsClient(options => (options.BaseAddress, options.ApiKey) = (new Uri(args[0]), args[1]));
            var client = services.BuildServiceProvider().GetRequiredService<ISecretsClient>();

            var made = await client.CreateSecretAsync(new()
            {
                SecretName = "consumer", SecretValue = "a value of a secret", ToolName = "consumer__*", ToolArg = "token", IsDefaultForTool = true,
            });
            await client.GetSecretAsync(made.SecretId);
            await client.UpdateSecretAsync(made.SecretId, new() { SecretName = "consumer, renamed" }, made.ETag);
            Is(1, (await client.ListSecretsAsync(toolName: "consumer__x")).Data.Count);
            using (var resolved = await client.ResolveAsync((await client.GetMeAsync()).UserId, "consumer__x", ["token"]))
            {
                Is("a value of a secret", resolved["token"].Reveal());
            }

            Is(made.SecretId, (await client.ExplainAsync(new() { UserId = made.UserId, ToolName = "consumer__x" })).Arguments[0].Winner!.SecretId);
            await client.DeleteSecretAsync(made.SecretId);
            Is(4, (await client.ListAuditAsync(secretId: made.SecretId)).Data.Count);
            Is(true, (await client.VerifyAuditAsync()).Ok);
            await client.GetUsageAsync();
            var key = await client.CreateApiKeyAsync(new() { Name = "consumer", Scopes = [SecretsScopes.Read] });
            await client.ListApiKeysAsync();
            await client.DeleteApiKeyAsync(key.Id);
            try
            {
                await client.GetSecretAsync(made.SecretId);
            }
            catch (SecretsApiException gone)
            {
                Console.WriteLine(gone.Message);
            }

            static void Is<T>(T expected, T actual)
            {
                if (!Equals(expected, actual)) throw new InvalidOperationException($"expected {expected}, got {actual}");
            }
            """);
        var shared = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } configured
            ? configured
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        await Tools.RunAsync(scratch.Folder, "dotnet", ["build", .. Directory.Exists(shared) ? [$"-p:RestoreFallbackFolders={shared}"] : Array.Empty<string>()]);
        var output = await Tools.RunAsync(
            scratch.Folder, "dotnet", ["run", "--no-build", "--", server.Address.AbsoluteUri, ApiServer.BootstrapKey]);
        Assert.Contains("The service answered 404: Not found", output, StringComparison.Ordinal);
    }

    /// <summary>The version moves with each commit, and git ignores the packages of <c>dotnet pack src/Client -o packages</c>.</summary>
    private static async Task CheckVersionAsync(string feed)
    {
        if (!Path.Exists(Path.Combine(Repository.Root, ".git")))
        {
            Assert.EndsWith("-dev.0", VersionOf(feed), StringComparison.Ordinal);
            return;
        }

        var commit = await Tools.RunAsync(Repository.Root, "git", ["log", "-1", "--format=%ct"]);
        Assert.EndsWith($"-dev.{commit.Trim()}", VersionOf(feed), StringComparison.Ordinal);

        // Fails for a file that git would commit.
        await Tools.RunAsync(Repository.Root, "git", ["check-ignore", "--quiet", "packages/Secrets.Client.0.1.0.nupkg"]);
    }

    private static string VersionOf(string feed) =>
        Path.GetFileNameWithoutExtension(Assert.Single(Directory.GetFiles(feed, "*.nupkg")))["Secrets.Client.".Length..];

    private static void CheckPackage(string feed)
    {
        Assert.Single(Directory.GetFiles(feed, "*.snupkg"));
        using var package = ZipFile.OpenRead(Assert.Single(Directory.GetFiles(feed, "*.nupkg")));
        var names = package.Entries.Select(entry => entry.FullName).ToList();
        Assert.Contains("README.md", names);
        Assert.Contains("lib/net10.0/Secrets.Client.dll", names);
        Assert.Contains("lib/net10.0/Secrets.Client.xml", names);
        using var specification = package.GetEntry("Secrets.Client.nuspec")!.Open();
        var metadata = XDocument.Load(specification).Root!.Elements().Single();
        string? Of(string name) => metadata.Elements().SingleOrDefault(element => element.Name.LocalName == name)?.Value;
        Assert.Equal(("MIT", "README.md", "The Secrets developers"), (Of("license"), Of("readme"), Of("authors")));
        Assert.False(string.IsNullOrWhiteSpace(Of("description")));
        Assert.Equal(
            ["Microsoft.Extensions.Http"],
            metadata.Descendants().Where(element => element.Name.LocalName == "dependency").Select(element => element.Attribute("id")!.Value));

        using var library = package.GetEntry("lib/net10.0/Secrets.Client.dll")!.Open();
        using var bytes = new MemoryStream();
        library.CopyTo(bytes);
        Assert.DoesNotContain(Repository.Root, Encoding.UTF8.GetString(bytes.ToArray()), StringComparison.Ordinal);
    }
}
