using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Secrets.TestKit;

namespace Secrets.Fuzzing.Tests;

/// <summary>
/// Every endpoint with a body, over HTTP. An input is a method, a path, a line feed and the body. Every answer must be one of the contract,
/// and an independent reader must accept every accepted body as JSON.
/// </summary>
internal sealed partial class JsonBodies : IFuzzTarget
{
    private const string Organization = "fuzzing";

    private readonly Installation _installation;
    private readonly ServiceInProcess _service;
    private readonly HttpClient _http;
    private readonly string[] _operations;

    private JsonBodies(Installation installation, ServiceInProcess service, HttpClient http, IReadOnlyList<(string Operation, string Body)> seeds)
    {
        (_installation, _service, _http) = (installation, service, http);
        _operations = [.. seeds.Select(seed => seed.Operation)];
        Seeds = [.. seeds.Select(seed => Encoding.UTF8.GetBytes($"{seed.Operation}\n{seed.Body}"))];
    }

    public string Name => "bodies";

    public IReadOnlyList<byte[]> Dictionary { get; } =
    [
        .. new[]
        {
            "null", "true", "false", "0", "-1", "1e999", "1E-5", "2147483648", "9223372036854775808", "0.5", "-0", "{}", "[]", "{", "}", "[", "]", "\"", "\\", ",", ":",
            "\"\"", "\"\\ud800\"", "\"\\u0000\"", "\"*\"", "\"\\u202e\"", "\"2026-01-01T00:00:00Z\"", "\"7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e\"", "//", "/**/", "NaN", "\uFEFF", "\uFFFF",
            "\"secret_name\":", "\"\\u0073ecret_name\":", "\"user_id\":", "\"organization_id\":", "[[[[[[[[[[[[[[[[", "{\"a\":{\"a\":{\"a\":", "]]]]]]]]]]]]]]]]", "'",
        }.Select(Encoding.UTF8.GetBytes),
        [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0],
    ];

    public IReadOnlyList<byte[]> Seeds { get; }

    public static async Task<JsonBodies> StartAsync()
    {
        var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        var service = installation.StartHere(settings: FuzzedService.Settings);
        var http = new HttpClient { BaseAddress = await service.AddressAsync() };
        http.DefaultRequestHeaders.Add("x-api-key", Installation.Key);
        using var client = await service.ClientAsync(Installation.Key);
        var secret = await client.CreateSecretAsync("to be changed");
        return new JsonBodies(installation, service, http, [.. SeedsOf(secret)]);
    }

    public async Task<string> TryAsync(byte[] input)
    {
        var end = Array.IndexOf(input, (byte)'\n');
        var head = end < 0 ? "" : Encoding.Latin1.GetString(input.AsSpan(0, end));
        // A secret id of another run is replaced by the id of this run. Without a known operation the bytes of the input select one.
        var operation = Array.Find(_operations, one => string.Equals(Shape(one), Shape(head), StringComparison.Ordinal))
            ?? _operations[input.Sum(value => value) % _operations.Length];
        var body = end < 0 ? input : input[(end + 1)..];

        using var request = new HttpRequestMessage(new HttpMethod(operation.Split(' ')[0]), operation.Split(' ')[1]) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (operation.Contains("aihub", StringComparison.Ordinal))
        {
            request.Headers.Add("IB-Context", Organization);
        }

        using var response = await _http.SendAsync(request);
        var answer = await response.Content.ReadAsStringAsync();
        var status = (int)response.StatusCode;
        Assert.True(status is 200 or 400 or 401 or 403 or 404 or 409 or 413 or 415 or 422, $"{operation}: {status}");
        if (answer.Length > 0)
        {
            using var json = JsonDocument.Parse(answer);
        }

        if (status == 200 && body.Length > 0)
        {
            MustBeJson(body);
            await CleanUpAsync(operation, answer);
        }

        return $"{Shape(operation)} {status} {(status == 200 ? "" : FaultsOf(answer))}";
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _service.DisposeAsync();
        _installation.Dispose();
    }

    /// <summary>Each operation of the contract with a body, with the examples of the contract as its body.</summary>
    private static IEnumerable<(string Operation, string Body)> SeedsOf(Guid secret)
    {
        var contract = JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, "docs", "openapi", "v1.json")))!;
        var schemas = contract["components"]!["schemas"]!;
        foreach (var (path, operations) in contract["paths"]!.AsObject())
        {
            foreach (var (method, operation) in operations!.AsObject())
            {
                if (operation is not JsonObject || operation["requestBody"] is not { } body)
                {
                    continue;
                }

                var filled = path.Replace("{secret_id}", $"{secret}", StringComparison.Ordinal).Replace("{id}", $"{secret}", StringComparison.Ordinal);
                yield return ($"{method.ToUpperInvariant()} {filled}", ExampleOf(body["content"]!["application/json"]!["schema"]!, schemas)?.ToJsonString() ?? "{}");
            }
        }
    }

    private static JsonNode? ExampleOf(JsonNode schema, JsonNode schemas)
    {
        if (schema["example"] is { } example)
        {
            return example.DeepClone();
        }

        if (schema["examples"] is JsonArray { Count: > 0 } examples)
        {
            return examples[0]!.DeepClone();
        }

        if (schema["$ref"] is { } reference)
        {
            return ExampleOf(schemas[reference.GetValue<string>().Split('/')[^1]]!, schemas);
        }

        return (schema["oneOf"] ?? schema["anyOf"]) is JsonArray choices ? ExampleOf(choices[^1]!, schemas)
            : schema["properties"] is JsonObject members
                ? new JsonObject(members.Select(member => KeyValuePair.Create(member.Key, ExampleOf(member.Value!, schemas))))
            : schema["items"] is { } item ? new JsonArray(ExampleOf(item, schemas))
            : null;
    }

    /// <summary>The operation without the id of the secret, which differs in each run.</summary>
    private static string Shape(string operation) => Uuid().Replace(operation, "{id}");

    /// <summary>The faults in an answer, without numbers.</summary>
    private static string FaultsOf(string answer) => Numbers().Replace(
        JsonNode.Parse(answer)?["detail"] switch
        {
            JsonArray violations => string.Join(' ', violations.Select(one => $"{one?["type"]}").Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Take(3)),
            { } detail => detail.ToString(),
            null => JsonNode.Parse(answer)?["message"]?.ToString() ?? "",
        },
        "0");

    private static void MustBeJson(byte[] body)
    {
        var json = body.AsSpan().StartsWith("\uFEFF"u8) ? body.AsMemory(3) : body;
        if (json.IsEmpty)
        {
            return; // a byte order mark without a body
        }

        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
        _ = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(json.Span);
    }

    /// <summary>Deletes what the request created. Otherwise a long run would fill the quota, and the service would refuse every valid body.</summary>
    private async Task CleanUpAsync(string operation, string answer)
    {
        var path = operation.Split(' ')[1];
        if (operation is "POST /api/v1/secrets" or "POST /api/v1/api-keys"
            && JsonNode.Parse(answer) is JsonObject made && (made["secret_id"] ?? made["id"]) is { } id)
        {
            using var removed = await _http.DeleteAsync($"{path}/{id}");
        }
    }

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f-]{27}", RegexOptions.None, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Uuid();

    [GeneratedRegex("[0-9]+", RegexOptions.None, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Numbers();
}
