using Secrets.TestKit;

namespace Secrets.Client.Tests;

public sealed class TypeScriptClient(ApiServer server)
{
    [Fact]
    public async Task The_typescript_client_passes_its_own_tests_against_the_service()
    {
        var folder = Path.Combine(Repository.Root, "clients", "typescript");
        Tools.SkipUnlessFound("node");
        Assert.SkipUnless(
            Directory.Exists(Path.Combine(folder, "node_modules")), "The TypeScript compiler is not installed: run npm ci in clients/typescript");
        await Tools.RunAsync(folder, "node", [Path.Combine("node_modules", "typescript", "bin", "tsc"), "--outDir", "build"]);
        await Tools.RunAsync(
            folder,
            "node",
            ["--test", Path.Combine("build", "test", "client.test.js")],
            ("SECRETS_ADDRESS", server.Address.AbsoluteUri),
            ("SECRETS_API_KEY", ApiServer.BootstrapKey));
    }
}
