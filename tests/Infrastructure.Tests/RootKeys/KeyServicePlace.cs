using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Secrets.Infrastructure.Encryption;

namespace Secrets.Infrastructure.Tests.RootKeys;

/// <summary>A key service over HTTP. It checks every request, and keeps what it finds wrong in <see cref="KeyPlace.Faults"/>.</summary>
internal abstract class KeyServicePlace : KeyPlace
{
    private WebApplication? _app;
    private int _requests;

    /// <summary>The address of the service.</summary>
    public string Address { get; private set; } = null!;

    /// <summary>The number of requests.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>The file with the wrapped key.</summary>
    public string WrappedFile => Path.Combine(Folder, "root.key.wrapped");

    /// <summary>What the service does instead of its work; null: its work.</summary>
    public Func<HttpContext, Task>? Instead { get; set; }

    public override Task RefuseAsync(byte[] key) => InsteadAsync(key, context => AnswerAsync(context, 403, RefusalWith(Convert.ToBase64String(key))));

    public override Task GarbleAsync(byte[] key) => InsteadAsync(key, context => AnswerAsync(context, 200, AnswerWith(key).Replace(":\"", ":\"!", StringComparison.Ordinal)));

    public override async Task VanishAsync() => await StopAsync();

    public override Task HangAsync()
    {
        TimeoutSeconds = 2;
        return InsteadAsync(new byte[32], context => Task.Delay(Timeout.Infinite, context.RequestAborted));
    }

    public override async ValueTask DisposeAsync()
    {
        await StopAsync();
        await base.DisposeAsync();
    }

    /// <summary>Answers every request with a status, a body and perhaps another place.</summary>
    public static async Task AnswerAsync(HttpContext context, int status, string body, string? location = null)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        if (location is not null)
        {
            context.Response.Headers.Location = location;
        }

        await context.Response.WriteAsync(body);
    }

    protected async Task ListenAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(async context =>
        {
            Interlocked.Increment(ref _requests);
            await (Instead is { } instead ? instead(context) : AnswerAsync(context));
        });
        await _app.StartAsync();
        Address = _app.Urls.First();
    }

    /// <summary>Checks the request and unwraps what it contains.</summary>
    protected abstract Task AnswerAsync(HttpContext context);

    /// <summary>A refusal whose text contains something.</summary>
    protected abstract string RefusalWith(string text);

    /// <summary>A response with a key.</summary>
    protected abstract string AnswerWith(byte[] key);

    /// <summary>Keeps a fault, unless a text has the value that it must have.</summary>
    protected void Require(string name, string? expected, string? actual)
    {
        if (!string.Equals(expected, actual, StringComparison.Ordinal))
        {
            Faults.Enqueue($"{name} is {actual}, not {expected}");
        }
    }

    protected static async Task<JsonNode> BodyAsync(HttpContext context) => (await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted))!;

    private async Task InsteadAsync(byte[] key, Func<HttpContext, Task> instead)
    {
        await HoldAsync(key);
        Instead = instead;
    }

    private async Task StopAsync()
    {
        if (_app is { } app)
        {
            _app = null;
            await app.DisposeAsync();
        }
    }
}

/// <summary>AWS KMS: the call Decrypt of its protocol JSON 1.1.</summary>
internal sealed class AwsKmsPlace : KeyServicePlace
{
    private const string KeyId = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    private byte[] _key = [];
    private byte[] _blob = [];

    /// <summary>The encryption context under which the key was wrapped.</summary>
    public string Purpose { get; set; } = "secrets-root-key";

    public override RootKeySettings Settings => new() { Provider = "awskms", KeyId = KeyId, WrappedFile = WrappedFile, ServiceUrl = Address, TimeoutSeconds = TimeoutSeconds };

    /// <summary>Starts the stand-in. Region and login are found in the environment, by the SDK's default chain.</summary>
    public static async Task<AwsKmsPlace> StartAsync()
    {
        Environment.SetEnvironmentVariable("AWS_EC2_METADATA_DISABLED", "true");
        Environment.SetEnvironmentVariable("AWS_REGION", "eu-central-1");
        Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
        Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", "example");
        var place = new AwsKmsPlace();
        await place.ListenAsync();
        return place;
    }

    public override Task HoldAsync(byte[] key)
    {
        (_key, _blob) = (key, RandomNumberGenerator.GetBytes(184)); // a real blob has about this length
        return WriteAsync("root.key.wrapped", Convert.ToBase64String(_blob, Base64FormattingOptions.InsertLineBreaks) + "\n");
    }

    protected override async Task AnswerAsync(HttpContext context)
    {
        var (headers, body) = (context.Request.Headers, await BodyAsync(context));
        Require("method", "POST", context.Request.Method);
        Require("target", "TrentService.Decrypt", headers["X-Amz-Target"]);
        Require("type", "application/x-amz-json-1.1", context.Request.ContentType);
        Require("signature", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE", headers.Authorization.ToString().Split('/')[0]);
        Require("region", "eu-central-1/kms/aws4_request", string.Join('/', headers.Authorization.ToString().Split(',')[0].Split('/')[^3..]));
        Require("key", KeyId, (string?)body["KeyId"]);
        Require("blob", Convert.ToBase64String(_blob), (string?)body["CiphertextBlob"]);
        var isRight = body["EncryptionContext"] is JsonObject { Count: 1 } encryption && (string?)encryption["purpose"] == Purpose;
        await AnswerAsync(context, isRight ? 200 : 400, isRight ? AnswerWith(_key) : """{"__type":"InvalidCiphertextException"}""");
    }

    protected override string RefusalWith(string text) => new JsonObject { ["__type"] = "AccessDeniedException", ["Message"] = text }.ToJsonString();

    protected override string AnswerWith(byte[] key) => new JsonObject
    {
        ["KeyId"] = KeyId,
        ["Plaintext"] = Convert.ToBase64String(key),
        ["EncryptionAlgorithm"] = "SYMMETRIC_DEFAULT",
    }.ToJsonString();
}

/// <summary>Azure Key Vault: the operation unwrapkey of its REST interface, with an RSA key.</summary>
internal sealed class AzureKeyVaultPlace : KeyServicePlace
{
    /// <summary>The token that the login gives.</summary>
    public const string Token = "a-token-of-azure";

    private const string KeyId = "secrets-root/0123456789abcdef0123456789abcdef";

    private readonly RSA _rsa = RSA.Create(2048);

    public override RootKeySettings Settings =>
        new() { Provider = "AzureKeyVault", VaultUri = Address + "/", KeyId = KeyId, WrappedFile = WrappedFile, TimeoutSeconds = TimeoutSeconds };

    public static async Task<AzureKeyVaultPlace> StartAsync()
    {
        var place = new AzureKeyVaultPlace();
        await place.ListenAsync();
        return place;
    }

    public override Task HoldAsync(byte[] key) => HoldAsync(key, RSAEncryptionPadding.OaepSHA256);

    /// <summary>Wraps a key with a padding.</summary>
    public Task HoldAsync(byte[] key, RSAEncryptionPadding padding) => WriteAsync("root.key.wrapped", Convert.ToBase64String(_rsa.Encrypt(key, padding)));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _rsa.Dispose();
    }

    protected override async Task AnswerAsync(HttpContext context)
    {
        var body = await BodyAsync(context);
        Require("method", "POST", context.Request.Method);
        Require("path", $"/keys/{KeyId}/unwrapkey", context.Request.Path);
        Require("query", "?api-version=7.4", context.Request.QueryString.Value);
        Require("token", $"Bearer {Token}", context.Request.Headers.Authorization);
        Require("algorithm", "RSA-OAEP-256", (string?)body["alg"]);
        Require("has a length", "True", $"{context.Request.ContentLength > 0}");
        try
        {
            await AnswerAsync(context, 200, AnswerWith(_rsa.Decrypt(Base64Url.DecodeFromChars((string?)body["value"]), RSAEncryptionPadding.OaepSHA256)));
        }
        catch (CryptographicException)
        {
            await AnswerAsync(context, 400, """{"error":{"code":"BadParameter","message":"The parameter is incorrect."}}""");
        }
    }

    protected override string RefusalWith(string text) =>
        new JsonObject { ["error"] = new JsonObject { ["message"] = text, ["innererror"] = new JsonObject { ["code"] = text }, ["code"] = "Forbidden" } }.ToJsonString();

    protected override string AnswerWith(byte[] key) =>
        new JsonObject { ["kid"] = $"{Address}/keys/{KeyId}", ["value"] = Base64Url.EncodeToString(key) }.ToJsonString();
}
