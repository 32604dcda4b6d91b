using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Client.Tests;

/// <summary>The generated code is what the generator gives; and a generator that nobody adjusted gives clients that work too.</summary>
public sealed class Generating(ApiServer server)
{
    private static readonly string Nswag = Path.Combine(Tools.Root, "eng", "nswag");

    [Fact]
    public async Task The_committed_clients_are_what_the_committed_contract_gives()
    {
        Tools.SkipUnlessFound("node", "npm");
        using var scratch = new Scratch();
        await Tools.RunAsync(Nswag, "node", ["generate.mjs", scratch.Folder]);
        var generated = Directory.EnumerateFiles(scratch.Folder, "*", SearchOption.AllDirectories).ToList();
        Assert.Equal(2, generated.Count);
        foreach (var file in generated)
        {
            var name = Path.GetRelativePath(scratch.Folder, file);
            var committed = (await File.ReadAllTextAsync(Path.Combine(Tools.Root, name))).ReplaceLineEndings("\n");
            Assert.True(committed == await File.ReadAllTextAsync(file), $"{name} is not what docs/openapi gives: run eng/update-clients");
        }
    }

    [Fact]
    public async Task A_client_generated_from_the_vendors_document_leads_a_secret_through_its_life()
    {
        var document = Path.Combine(Tools.Root, "..", "shared", "contracts", "ionet-secrets.openapi.json");
        Assert.SkipUnless(File.Exists(document), "The vendor's document is not at hand: ../shared/contracts/ionet-secrets.openapi.json");
        Tools.SkipUnlessFound("node", "npm", "dotnet");
        using var scratch = new Scratch();
        var readable = JsonNode.Parse(await File.ReadAllTextAsync(document))!;
        Simplify(readable);
        readable["openapi"] = "3.0.3";
        await Tools.RunAsync(Nswag, "node", ["install.mjs"]);
        await Tools.RunAsync(
            Nswag,
            "node",
            [
                Path.Combine("node_modules", "nswag", "bin", "nswag.js"), "openapi2csclient", "/runtime:Net100",
                $"/input:{await scratch.WriteAsync("vendor.json", readable.ToJsonString())}", $"/output:{Path.Combine(scratch.Folder, "Vendor.cs")}",
                "/namespace:Vendor", "/className:VendorClient", "/jsonLibrary:SystemTextJson", "/operationGenerationMode:SingleClientFromOperationId",
            ]);
        await scratch.WriteAsync("Vendor.csproj", """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
            </Project>
            """);
        await scratch.WriteAsync("Program.cs", """
            using Vendor;

            var client = new VendorClient(new HttpClient()) { BaseUrl = args[0] };
            var key = args[1];
            var made = await client.New_secret_v1_secrets__postAsync(null, null, key, new()
            {
                Secret_name = "n", Secret_value = "a value of a secret", Tool_name = "agno__*", Tool_arg = "token", Is_default_for_tool = true,
            });
            Is("a...t", made.Display[..1] + "..." + made.Display[^1..]);
            var listed = await client.Get_secrets_list_v1_secrets__getAsync(null, null, key);
            Is(made.Secret_id, listed.Data.Single().Secret_id);
            await client.Update_secret_v1_secrets__secret_id__patchAsync(made.Secret_id, null, null, key, new()
            {
                Secret_name = "m", Tool_name = "agno__*", Tool_arg = "other",
            });
            var got = await client.Get_secret_info_v1_secrets__secret_id__getAsync(made.Secret_id, null, null, key);
            Is(("m", "agno__*", "other", true), (got.Secret_name, got.Tool_name, got.Tool_arg, got.Is_default_for_tool));
            try
            {
                await client.New_secret_v1_secrets__postAsync(null, null, key, new() { Secret_name = "m", Secret_value = "abc" });
                throw new InvalidOperationException("not refused");
            }
            catch (ApiException<HTTPValidationError> invalid)
            {
                Is("string_too_short", invalid.Result.Detail.Single().Type);
            }

            await client.Delete_secret_v1_secrets__secret_id__deleteAsync(made.Secret_id, null, null, key);
            Is(0, (await client.Get_secrets_list_v1_secrets__getAsync(null, null, key)).Data.Count);
            Console.WriteLine("lived");

            static void Is<T>(T expected, T actual)
            {
                if (!Equals(expected, actual)) throw new InvalidOperationException($"expected {expected}, got {actual}");
            }
            """);
        using var user = await server.NewUserAsync();
        var output = await Tools.RunAsync(scratch.Folder, "dotnet", ["run", "--", new Uri(server.Address, "api").AbsoluteUri, user.Key!]);
        Assert.Contains("lived", output, StringComparison.Ordinal);
    }

    /// <summary>
    /// The document is in OpenAPI 3.1, where a type can be one of several. The generator knows only 3.0's way to say "or null", and
    /// makes an empty class of everything else that is one of several; without a type it is any.
    /// </summary>
    private static void Simplify(JsonNode? node)
    {
        if (node is JsonObject schema)
        {
            if (schema["anyOf"] is JsonArray types)
            {
                schema.Remove("anyOf");
                if (types.Where(type => type!["type"]?.GetValue<string>() != "null").ToList() is [JsonObject only])
                {
                    only.ToList().ForEach(member => schema[member.Key] = member.Value?.DeepClone());
                    schema["nullable"] = true;
                }
            }

            schema.Select(member => member.Value).ToList().ForEach(Simplify);
        }
        else if (node is JsonArray list)
        {
            list.ToList().ForEach(Simplify);
        }
    }
}
