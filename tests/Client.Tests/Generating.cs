using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Client.Tests;

/// <summary>The committed clients match the generator, and an unmodified generator gives working clients too.</summary>
public sealed class Generating(ApiServer server)
{
    /// <summary>A program that uses a client of the vendor's document.</summary>
    private const string Program =
        """
        using Generated;

        var client = new Client(new HttpClient()) { BaseUrl = args[0] };
        var key = args[1];
        var made = await client.New_secret_v1_secrets__postAsync(new()
        {
            Secret_name = "n", Secret_value = "a value of a secret", Tool_name = "agno__*", Tool_arg = "token", Is_default_for_tool = true,
        }, x_api_key: key);
        Is("a...t", made.Display[..1] + "..." + made.Display[^1..]);
        var listed = await client.Get_secrets_list_v1_secrets__getAsync(x_api_key: key);
        Is(made.Secret_id, listed.Data.Single().Secret_id);
        await client.Update_secret_v1_secrets__secret_id__patchAsync(made.Secret_id, x_api_key: key, body: new()
        {
            Secret_name = "m", Tool_name = "agno__*", Tool_arg = "other",
        });
        var got = await client.Get_secret_info_v1_secrets__secret_id__getAsync(made.Secret_id, x_api_key: key);
        Is(("m", "agno__*", "other", true), (got.Secret_name, got.Tool_name, got.Tool_arg, got.Is_default_for_tool));
        try
        {
            await client.New_secret_v1_secrets__postAsync(new() { Secret_name = "m", Secret_value = "abc" }, x_api_key: key);
            throw new InvalidOperationException("not refused");
        }
        catch (ApiException<HTTPValidationError> invalid)
        {
            Is("string_too_short", invalid.Result.Detail.Single().Type);
        }

        await client.Delete_secret_v1_secrets__secret_id__deleteAsync(made.Secret_id, x_api_key: key);
        Is(0, (await client.Get_secrets_list_v1_secrets__getAsync(x_api_key: key)).Data.Count);
        Console.WriteLine("lived");

        static void Is<T>(T expected, T actual)
        {
            if (!Equals(expected, actual)) throw new InvalidOperationException($"expected {expected}, got {actual}");
        }
        """;

    [Fact]
    public async Task The_committed_clients_match_the_committed_contract()
    {
        Tools.SkipUnlessFound("node");
        using var scratch = new Scratch();
        await Tools.RunAsync(Nswag.Folder, "node", ["generate.mjs", scratch.Folder]);
        var generated = Directory.EnumerateFiles(scratch.Folder, "*", SearchOption.AllDirectories).ToList();
        Assert.Equal(2, generated.Count);
        foreach (var file in generated)
        {
            var name = Path.GetRelativePath(scratch.Folder, file);
            var committed = (await File.ReadAllTextAsync(Path.Combine(Repository.Root, name))).ReplaceLineEndings("\n");
            Assert.True(committed == await File.ReadAllTextAsync(file), $"{name} differs from the generated code: run eng/update-clients");
        }
    }

    [Fact]
    public async Task A_client_of_the_vendors_document_creates_uses_and_deletes_a_secret()
    {
        var document = Repository.VendorDocument("ionet-secrets.openapi.json");
        using var scratch = new Scratch();
        var readable = JsonNode.Parse(await File.ReadAllTextAsync(document))!;
        Simplify(readable);
        readable["openapi"] = "3.0.3";
        using var user = await server.NewUserAsync();
        var output = await Nswag.RunClientAsync(
            await scratch.WriteAsync("vendor.json", readable.ToJsonString()), Program, new Uri(server.Address, "api").AbsoluteUri, user.Key!);
        Assert.Contains("lived", output, StringComparison.Ordinal);
    }

    /// <summary>
    /// Removes union types. The document uses OpenAPI 3.1, where a member may have one of several types. The generator knows only the nullable
    /// types of 3.0 and turns other unions into empty classes. A member without a type accepts anything.
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
