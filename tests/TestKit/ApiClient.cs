using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace Secrets.TestKit;

/// <summary>Sends HTTP and JSON like a client, and keeps the whole response, so that a failed test can print it.</summary>
public sealed class ApiClient(HttpClient http) : IDisposable
{
    private const string Ready = "/health/ready";

    public HttpClient Http => http;

    /// <summary>The user of the bootstrap key.</summary>
    public static readonly Guid BootstrapUser = Guid.Parse("00000000-0000-0000-0000-000000000001");

    public Guid UserId { get; set; }

    public string? Key { get; init; }

    public Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<Answer> PostAsync(string path, JsonNode? body) => SendAsync(HttpMethod.Post, path, body?.ToJsonString() ?? "null");

    /// <inheritdoc cref="AskAsync(string, JsonObject)" />
    public Task<Answer> AskAsync(string path, string call) => AskAsync(path, JsonNode.Parse(call)!.AsObject());

    /// <summary>Asks for the values of a tool call, or for their explanation. A call without a user is for the client's own user.</summary>
    public async Task<Answer> AskAsync(string path, JsonObject call)
    {
        if (UserId == Guid.Empty && await GetAsync("/api/v1/me") is { Status: 200 } me)
        {
            UserId = me.Json["user_id"]!.GetValue<Guid>();
        }

        call = call.DeepClone().AsObject();
        call.TryAdd("user_id", UserId.ToString());
        return await PostAsync(path, call);
    }

    public Task<Answer> PatchAsync(string path, JsonNode? body) => SendAsync(HttpMethod.Patch, path, body?.ToJsonString() ?? "null");

    public Task<Answer> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path);

    public Task<Answer> SendAsync(HttpMethod method, string path, string? json = null, params (string Name, string Value)[] headers) =>
        SendAsync(method, path, json is null ? null : new StringContent(json, Encoding.UTF8, "application/json"), headers);

    public async Task<Answer> SendAsync(HttpMethod method, string path, HttpContent? content, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await http.SendAsync(request);
        return new Answer(method, path, (int)response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers);
    }

    /// <summary>Stores a secret and returns its id.</summary>
    public async Task<Guid> CreateSecretAsync(
        string name, string value = "a value of a secret", string? toolName = null, string? toolArg = null, bool isDefault = false)
    {
        var made = await PostAsync("/api/v1/secrets", new JsonObject
        {
            ["secret_name"] = name,
            ["secret_value"] = value,
            ["tool_name"] = toolName,
            ["tool_arg"] = toolArg,
            ["is_default_for_tool"] = isDefault,
        });
        made.MustBe(200);
        return made.Json["secret_id"]!.GetValue<Guid>();
    }

    /// <summary>Waits until readiness has this status. The service reads the key ring for it at most once a second.</summary>
    public Task UntilReadyIsAsync(int status, int seconds = 10) => UntilReadyAsync(ready => ready.Status == status, $"{Ready} is {status}", seconds);

    /// <summary>Waits until the answer of readiness meets a condition.</summary>
    public async Task UntilReadyAsync(Func<Answer, bool> holds, string expected, int seconds = 10)
    {
        var watch = Stopwatch.StartNew();
        for (var ready = await GetAsync(Ready); !holds(ready); ready = await GetAsync(Ready))
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(seconds), $"not within {seconds} s: {expected}. Last: {ready}");
            await Task.Delay(50);
        }
    }

    public void Dispose() => http.Dispose();
}

/// <summary>A response.</summary>
public sealed record Answer(
    HttpMethod Method, string Path, int Status, string Body, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders)
{
    /// <summary>The body as JSON.</summary>
    public JsonNode Json
    {
        get
        {
            try
            {
                return JsonNode.Parse(Body)!;
            }
            catch (System.Text.Json.JsonException exception)
            {
                throw new InvalidOperationException($"The body is not JSON: {this}", exception);
            }
        }
    }

    /// <summary>Fails and prints the response if its status differs, or if a cache may store it.</summary>
    public Answer MustBe(int status)
    {
        Assert.True(Status == status, $"expected {status}, got {this}");
        Assert.True(Headers.CacheControl is { NoStore: true }, $"Cache-Control lacks no-store: {this}");
        return this;
    }

    /// <summary>Fails if the response repeats submitted text, in the body or in a header.</summary>
    public Answer MustNotRepeat(string submitted)
    {
        Assert.DoesNotContain(submitted, $"{Headers}{ContentHeaders}{Body}", StringComparison.OrdinalIgnoreCase);
        return this;
    }

    public override string ToString() => $"{Method} {Path} -> {Status} {Body}";
}
